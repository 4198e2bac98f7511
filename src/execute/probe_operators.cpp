#include "execute/probe_operators.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "execute/probe_session.hpp"
#include "execute/products.hpp"

namespace gainsweep::execute {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

/// Elements of a weight's gradient that are held at a time: enough rows for an efficient matrix
/// product even where rows are long, and no more than the last-level cache holds until they are
/// probed. From 2^18 to 2^22 the time is the same (experiments/performance/scoring).
constexpr std::int64_t block_elements = std::int64_t{1} << 20;

using Session = c10::intrusive_ptr<ProbeSession>;

void keep(AutogradContext* ctx, const Session& session, std::int64_t op) {
  ctx->saved_data["session"] = c10::IValue::make_capsule(session);
  ctx->saved_data["op"] = op;
}

Session session_of(AutogradContext* ctx) {
  return c10::static_intrusive_pointer_cast<ProbeSession>(ctx->saved_data["session"].toCapsule());
}

std::size_t op_of(AutogradContext* ctx) {
  return static_cast<std::size_t>(ctx->saved_data["op"].toInt());
}

/// A tensor as a matrix of its last dimension's rows.
at::Tensor as_matrix(const at::Tensor& x) {
  return x.reshape({-1, x.size(-1)});
}

/// ∂g/∂W = gyᵀ x in blocks of rows, each probed and overwritten by the next.
void probe_linear_weight(ProbeSession& session, std::size_t op, const at::Tensor& w,
                         const at::Tensor& gy, const at::Tensor& x) {
  const auto& products = products_for(x);
  const auto inputs = products.operand(x);
  const auto rows = w.size(0);
  const auto block = std::clamp<std::int64_t>(block_elements / w.size(1), 1, rows);
  const auto buffer = at::empty({block, w.size(1)}, w.options());
  for (std::int64_t row = 0; row < rows; row += block) {
    const auto count = std::min(block, rows - row);
    auto gradient = buffer.narrow(0, 0, count);
    products.mm_out(gradient, gy.narrow(1, row, count).t(), inputs);
    session.add_weight_rows(op, 1, w, row, gradient);
  }
}

struct ProbedLinear : Function<ProbedLinear> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& /*tap*/, const at::Tensor& x,
                            const at::Tensor& w, const std::optional<at::Tensor>& bias,
                            std::int64_t op, const Session& session) {
    keep(ctx, session, op);
    ctx->save_for_backward({x, w});
    return products_for(x).linear(x, w, bias);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto session = session_of(ctx);
    const auto op = op_of(ctx);
    const auto saved = ctx->get_saved_variables();
    const auto& w = saved[1];
    const auto x = as_matrix(saved[0]);
    const auto gy = as_matrix(gradients[0]);
    const auto gx = products_for(x).mm(gy, w);
    session->add_activation(op, 0, x, gx);
    probe_linear_weight(*session, op, w, gy, x);
    return {{}, gx.view(saved[0].sizes()), {}, {}, {}, {}};
  }
};

struct ProbedMatmul : Function<ProbedMatmul> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& /*tap*/, const at::Tensor& a,
                            const at::Tensor& b, std::int64_t op, const Session& session) {
    keep(ctx, session, op);
    ctx->save_for_backward({a, b});
    return products_for(a).matmul(a, b, a.scalar_type());
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto session = session_of(ctx);
    const auto op = op_of(ctx);
    const auto saved = ctx->get_saved_variables();
    const auto& products = products_for(saved[0]);
    const auto type = saved[0].scalar_type();
    const auto gy = products.operand(gradients[0]);
    auto ga = products.matmul(gy, saved[1].transpose(-2, -1), type);
    session->add_activation(op, 0, saved[0], ga);
    auto gb = products.matmul(saved[0].transpose(-2, -1), gy, type);
    session->add_activation(op, 1, saved[1], gb);
    return {{}, std::move(ga), std::move(gb), {}, {}};
  }
};

/// The geometry of a convolution, between its forward and backward.
struct Geometry {
  std::vector<std::int64_t> stride;
  std::vector<std::int64_t> padding;
  std::vector<std::int64_t> dilation;
  bool transposed;
  std::vector<std::int64_t> output_padding;
  std::int64_t groups;
};

void keep(AutogradContext* ctx, const Geometry& geometry) {
  ctx->saved_data["stride"] = geometry.stride;
  ctx->saved_data["padding"] = geometry.padding;
  ctx->saved_data["dilation"] = geometry.dilation;
  ctx->saved_data["transposed"] = geometry.transposed;
  ctx->saved_data["output_padding"] = geometry.output_padding;
  ctx->saved_data["groups"] = geometry.groups;
}

Geometry geometry_of(AutogradContext* ctx) {
  auto& data = ctx->saved_data;
  return {data["stride"].toIntVector(),         data["padding"].toIntVector(),
          data["dilation"].toIntVector(),       data["transposed"].toBool(),
          data["output_padding"].toIntVector(), data["groups"].toInt()};
}

struct ProbedConvolution : Function<ProbedConvolution> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& /*tap*/, const at::Tensor& x,
                            const at::Tensor& w, const std::optional<at::Tensor>& bias,
                            const Geometry& g, std::int64_t op, const Session& session) {
    keep(ctx, session, op);
    keep(ctx, g);
    ctx->save_for_backward({x, w});
    return at::convolution(x, w, bias, g.stride, g.padding, g.dilation, g.transposed,
                           g.output_padding, g.groups);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto session = session_of(ctx);
    const auto op = op_of(ctx);
    const auto saved = ctx->get_saved_variables();
    const auto g = geometry_of(ctx);
    // In one piece: a convolution's weight is small beside its activations.
    const auto [gx, gw, gb] = at::convolution_backward(
        gradients[0], saved[0], saved[1], at::OptionalIntArrayRef(), g.stride, g.padding,
        g.dilation, g.transposed, g.output_padding, g.groups, {true, true, false});
    session->add_activation(op, 0, saved[0], gx, saved[1].size(1));
    session->add_weight_rows(op, 1, saved[1], 0, gw);
    return {{}, gx, {}, {}, {}, {}, {}};
  }
};

/// Runs `probed` inside a probing pass and `plain` outside.
template <class Probed, class Plain>
at::Tensor in_session(std::int64_t op, Probed probed, Plain plain) {
  const Session session = ActiveSession::current();
  if (!session) return plain();
  auto output = probed(session);
  session->search(static_cast<std::size_t>(op), output);
  return output;
}

}  // namespace

at::Tensor probed_linear(const at::Tensor& x, const at::Tensor& w,
                         const std::optional<at::Tensor>& bias, std::int64_t op) {
  return in_session(
      op, [&](const Session& s) { return ProbedLinear::apply(s->tap(), x, w, bias, op, s); },
      [&] { return products_for(x).linear(x, w, bias); });
}

at::Tensor probed_matmul(const at::Tensor& a, const at::Tensor& b, std::int64_t op) {
  // Broadcasting would sum an operand's gradient over its copies.
  TORCH_CHECK(a.dim() == b.dim() && a.dim() >= 2 &&
                  a.sizes().slice(0, a.dim() - 2) == b.sizes().slice(0, b.dim() - 2),
              "gainsweep::probed_matmul takes operands of equal batch dimensions, not ", a.sizes(),
              " and ", b.sizes());
  return in_session(
      op, [&](const Session& s) { return ProbedMatmul::apply(s->tap(), a, b, op, s); },
      [&] { return products_for(a).matmul(a, b, a.scalar_type()); });
}

at::Tensor probed_convolution(const at::Tensor& input, const at::Tensor& weight,
                              const std::optional<at::Tensor>& bias, c10::SymIntArrayRef stride,
                              c10::SymIntArrayRef padding, c10::SymIntArrayRef dilation,
                              bool transposed, c10::SymIntArrayRef output_padding,
                              c10::SymInt groups, std::int64_t op) {
  const auto ints = [](c10::SymIntArrayRef list) { return C10_AS_INTARRAYREF_SLOW(list).vec(); };
  const Geometry g{ints(stride), ints(padding),        ints(dilation),
                   transposed,   ints(output_padding), groups.expect_int()};
  return in_session(
      op,
      [&](const Session& s) {
        return ProbedConvolution::apply(s->tap(), input, weight, bias, g, op, s);
      },
      [&] {
        return at::convolution(input, weight, bias, g.stride, g.padding, g.dilation, g.transposed,
                               g.output_padding, g.groups);
      });
}

}  // namespace gainsweep::execute
