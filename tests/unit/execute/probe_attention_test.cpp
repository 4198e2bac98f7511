// Probed attention by blocks of tokens against plain autograd over all of it, in fp64.

#include "execute/probe_attention.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>

#include "execute/attention.hpp"
#include "execute/probe_operators.hpp"
#include "execute/probe_session.hpp"

namespace gainsweep::execute {
namespace {

using Session = c10::intrusive_ptr<ProbeSession>;

constexpr std::int64_t batch = 2, groups = 2, heads = 3, tokens = 300, size = 8;

at::Tensor random(at::IntArrayRef shape, std::uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator, at::kDouble);
}

at::Tensor leaf(const at::Tensor& x) {
  return x.detach().clone().requires_grad_();
}

/// Causal, a window of 40, and one that sees everything.
at::Tensor mask_of(int kind) {
  const auto blocked = at::full({tokens, tokens}, -std::numeric_limits<double>::infinity());
  const auto none = at::zeros({tokens, tokens});
  if (kind == 2) return none.to(at::kDouble);
  const auto causal = at::where(at::triu(at::ones({tokens, tokens}), 1) > 0, blocked, none);
  if (kind == 0) return causal.to(at::kDouble);
  return (causal + at::where(at::tril(at::ones({tokens, tokens}), -40) > 0, blocked, none))
      .to(at::kDouble);
}

std::vector<format::Format> formats() {
  std::vector<format::Format> all;
  for (const auto* name : {"int8", "fp8_e4m3", "mxfp4", "nvfp4", "int4_g128", "int8_g64"})
    all.push_back(format::by_name(name));
  for (auto& format : all) format.activation->scale = format::ScaleRule::dynamic_max;
  return all;
}

Session new_session() {
  graph::Op op;
  op.kind = graph::OpKind::matmul;
  op.operands = {{}, {.value = {}, .argument = 1}};
  auto session = c10::make_intrusive<ProbeSession>(formats(), std::vector<std::vector<float>>{},
                                                   std::vector{op, op}, fused_probes());
  session->begin();
  return session;
}

/// The products apart, over all columns: what a graph without the operator runs.
at::Tensor apart(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                 const at::Tensor& mask, std::optional<double> cap) {
  auto scores = probed_matmul(q, k, 0);
  if (cap) scores = scores.tanh() * *cap;
  scores = scores.unflatten(2, {heads, tokens}) + mask;
  return probed_matmul(at::softmax(scores, -1).flatten(2, 3), v, 1);
}

struct Operands {
  at::Tensor q = leaf(random({batch, groups, heads* tokens, size}, 1));
  at::Tensor k = leaf(random({batch, groups, size, tokens}, 2));
  at::Tensor v = leaf(random({batch, groups, tokens, size}, 3));
};

/// A mask and a cap: low enough to bend scores, whose largest are about 10.
struct Variant {
  int mask;
  std::optional<double> cap{};
};

class ProbedAttention : public ::testing::TestWithParam<Variant> {};

TEST_P(ProbedAttention, AgreesWithItsProductsApart) {
  const auto [kind, cap] = GetParam();
  const auto mask = mask_of(kind);
  const auto gy = random({batch, groups, heads * tokens, size}, 4);
  const Operands whole, blocks;
  const auto expected = new_session(), actual = new_session();
  {
    const ActiveSession active(expected);
    apart(whole.q, whole.k, whole.v, mask, cap).backward(gy);
  }
  {
    const ActiveSession active(actual);
    const auto y = probed_attention(blocks.q, blocks.k, blocks.v, mask, 0, 1, cap);
    const auto plain = apart(whole.q, whole.k, whole.v, mask, cap);
    EXPECT_TRUE(at::allclose(y, plain, 1e-12, 1e-12));
    y.backward(gy);
  }
  EXPECT_TRUE(at::allclose(blocks.q.grad(), whole.q.grad(), 1e-10, 1e-12));
  EXPECT_TRUE(at::allclose(blocks.k.grad(), whole.k.grad(), 1e-10, 1e-12));
  EXPECT_TRUE(at::allclose(blocks.v.grad(), whole.v.grad(), 1e-10, 1e-12));
  for (std::size_t op = 0; op < 2; ++op)
    for (std::size_t k = 0; k < 2; ++k) {
      const auto& a = actual->record.operands[op][k];
      const auto& e = expected->record.operands[op][k];
      EXPECT_GT(e.sensitivity, 0);
      EXPECT_NEAR(a.sensitivity, e.sensitivity, 1e-11 * e.sensitivity);
      for (std::size_t f = 0; f < 2; ++f) {
        // Single elements of softmax cross a rounding boundary.
        EXPECT_NEAR(a.signed_error[f], e.signed_error[f], 1e-5 * std::sqrt(e.sensitivity));
        EXPECT_NEAR(a.square_error[f], e.square_error[f], 1e-5 * e.square_error[f]);
        EXPECT_NEAR(a.step_norm[f], e.step_norm[f], 1e-11 * e.step_norm[f]);
      }
    }
}

TEST_P(ProbedAttention, IsTheSameOutsideAPass) {
  const auto [kind, cap] = GetParam();
  const auto mask = mask_of(kind);
  const Operands o;
  const auto q = o.q.detach(), k = o.k.detach(), v = o.v.detach();
  auto scores = at::matmul(q, k);
  if (cap) scores = scores.tanh() * *cap;
  scores = scores.unflatten(2, {heads, tokens}) + mask;
  const auto expected = at::matmul(at::softmax(scores, -1).flatten(2, 3), v);
  EXPECT_TRUE(at::allclose(attention(q, k, v, mask, cap), expected, 1e-12, 1e-12));
  EXPECT_TRUE(probed_attention(q, k, v, mask, 0, 1, cap).equal(attention(q, k, v, mask, cap)));
  const auto narrow = [](const at::Tensor& x) { return x.to(at::kBFloat16); };
  const auto y = attention(narrow(q), narrow(k), narrow(v), narrow(mask), cap);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::allclose(y.to(at::kDouble), expected, 0.05, 0.05));
}

TEST(Attention, RefusesOtherShapes) {
  const Operands o;
  const auto mask = mask_of(0);
  EXPECT_THROW(attention(o.q.detach()[0], o.k.detach(), o.v.detach(), mask, {}), c10::Error);
  EXPECT_THROW(attention(o.q.detach(), o.k.detach(), o.v.detach(), mask[0], {}), c10::Error);
  EXPECT_THROW(attention(o.q.detach(), o.k.detach(), o.v.detach(), mask.slice(0, 7), {}),
               c10::Error);
}

INSTANTIATE_TEST_SUITE_P(Masks, ProbedAttention,
                         ::testing::Values(Variant{0}, Variant{1}, Variant{2}, Variant{0, 3.0},
                                           Variant{1, 3.0}));

}  // namespace
}  // namespace gainsweep::execute
