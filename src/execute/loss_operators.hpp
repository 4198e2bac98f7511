#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

/// What a model's scores of all classes say about targets, some rows at a time: neither
/// exponentials nor wider copies of all scores are ever held.
namespace gainsweep::execute {

/// A class a row of scores, drawn from the probabilities that they give: the first at which their
/// sum is above the row's draw, a number of [0, 1). In double; without a gradient.
at::Tensor drawn_classes(const at::Tensor& scores, const at::Tensor& draws);

/// log p of each target: `scores` [targets, classes], `targets` [targets]. In fp32, or fp64 where
/// scores are.
at::Tensor target_log_likelihoods(const at::Tensor& scores, const at::Tensor& targets);

/// 1 for each target whose score is the largest of all classes, the first of equal ones; 0 for the
/// others. In fp32.
at::Tensor targets_are_likeliest(const at::Tensor& scores, const at::Tensor& targets);

/// The mean over targets of −log p, weighted: Σ w (−log p) / Σ w, all weights 1 where there are
/// none. Targets of weight 0 need not have finite scores. The gradient has the scores' type.
at::Tensor mean_cross_entropy(const at::Tensor& scores, const at::Tensor& targets,
                              const std::optional<at::Tensor>& weights);

}  // namespace gainsweep::execute
