#include "spec/kinds.hpp"

#include "spec/plan_draft.hpp"

namespace gainsweep::spec {

const config::Kinds& kinds() {
  static const config::Kinds table{
      {.name = "plan",
       .help = "which ops run in which format: sensitivities, times and the plans made from them",
       .make_draft = [] { return std::make_unique<PlanDraft>(); },
       .moved = {{"latency.device", "device", "the whole experiment runs on one device"},
                 {"sensitivity.noise", "",
                  "all models of the rounding error are recorded, and solve.noise names the one "
                  "that plans are made with"}},
       .sweep_example = "sweep:\n"
                        "  product:\n"
                        "    calibration.samples: [16, 64, 256]\n"
                        "  zip:\n"
                        "    solve.loss_model: [first_order, bias]\n"
                        "    solve.noise: [paper, empirical]\n"},
  };
  return table;
}

}  // namespace gainsweep::spec
