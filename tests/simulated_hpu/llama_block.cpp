#include "simulated_hpu/llama_block.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/triu.h>

namespace simulated_hpu {
namespace {

constexpr int vocabulary = 96, hidden = 64, heads = 4, key_heads = 2, head = 16, inner = 128;
constexpr double epsilon = 1e-5;

at::Tensor rotated(const LlamaBlock& block, const at::Tensor& x) {
  const auto turned = at::cat({-x.slice(-1, head / 2), x.slice(-1, 0, head / 2)}, -1);
  return x * block.cos + turned * block.sin;
}

at::Tensor repeated(const at::Tensor& x) {
  const auto rows = x.size(2);
  return x.unsqueeze(2)
      .expand({1, key_heads, heads / key_heads, rows, head})
      .reshape({1, heads, rows, head});
}

at::Tensor attention(const LlamaBlock& block, const at::Tensor& x, bool is_fused) {
  const auto split = [&](const at::Tensor& w, int n) {
    return at::linear(x, w).reshape({1, -1, n, head}).transpose(1, 2);
  };
  const auto query = rotated(block, split(block.q, heads));
  const auto key = repeated(rotated(block, split(block.k, key_heads)));
  const auto value = repeated(split(block.v, key_heads));
  if (is_fused) return at::scaled_dot_product_attention(query, key, value, block.mask);
  const auto scores = at::matmul(query, key.transpose(-2, -1)) * 0.25 + block.mask;
  return at::matmul(at::softmax(scores, -1), value);
}

}  // namespace

LlamaBlock LlamaBlock::random(int rows, at::ScalarType type) {
  const auto made = [&](at::IntArrayRef shape, double scale) {
    return (at::randn(shape) * scale).to(type);
  };
  LlamaBlock b;
  b.tokens = at::randint(0, vocabulary, {1, rows}, at::kLong);
  b.table = made({vocabulary, hidden}, 1);
  b.norm = (at::ones({hidden}) + at::randn({hidden}) * 0.1).to(type);
  b.q = made({hidden, hidden}, 0.12), b.o = made({hidden, hidden}, 0.12);
  b.k = made({key_heads * head, hidden}, 0.12), b.v = made({key_heads * head, hidden}, 0.12);
  b.gate = made({inner, hidden}, 0.12), b.up = made({inner, hidden}, 0.12);
  b.down = made({hidden, inner}, 0.09);
  const auto angle = at::arange(rows).unsqueeze(1) * at::arange(head).unsqueeze(0) * 0.01;
  b.cos = angle.cos().to(type), b.sin = angle.sin().to(type);
  b.mask = at::triu(at::full({rows, rows}, -1e9), 1).to(type);
  return b;
}

LlamaBlock LlamaBlock::to(at::Device device) const {
  LlamaBlock b = *this;
  for (auto* t : {&b.tokens, &b.table, &b.norm, &b.q, &b.k, &b.v, &b.o, &b.gate, &b.up, &b.down,
                  &b.cos, &b.sin, &b.mask})
    *t = t->to(device);
  return b;
}

at::Tensor LlamaBlock::run(bool fused_attention) const {
  auto x = at::embedding(table, tokens);
  const auto mixed = attention(*this, at::rms_norm(x, {hidden}, norm, epsilon), fused_attention);
  x = x + at::linear(mixed.transpose(1, 2).reshape({1, -1, hidden}), o);
  const auto y = at::rms_norm(x, {hidden}, norm, epsilon);
  return x + at::linear(at::silu(at::linear(y, gate)) * at::linear(y, up), down);
}

}  // namespace simulated_hpu
