#pragma once

#include "exported/translator.hpp"

namespace gainsweep::exported {

/// softmax(s·q kᵀ + mask) v as two products, as PyTorch computes it without fused kernels: rows
/// whose keys a mask of truth values hides altogether give zeros. Error(input) for dropout and for
/// groups of heads that share keys.
void write_attention(Translator& translator, const Call& call);

}  // namespace gainsweep::exported
