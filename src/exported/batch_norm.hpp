#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exported/translator.hpp"

namespace gainsweep::exported {

/// Where a batch norm of fixed statistics is all that reads a convolution's result, gives the
/// convolution's arguments the folded weight and bias (`gainsweep::fold_norm_weight|bias`, in
/// double) and returns the name of the norm's result, which the convolution's is now. Nothing
/// where none is folded.
std::optional<std::string> fold_batch_norm(Translator& translator, const Call& convolution,
                                           const std::string& path,
                                           std::vector<graph::Argument>& arguments);

/// A batch norm as it is; nothing where its result is there, because it was folded.
void write_batch_norm(Translator& translator, const Call& norm);

}  // namespace gainsweep::exported
