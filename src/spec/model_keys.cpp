#include "spec/model_keys.hpp"

#include "exported/loss.hpp"
#include "spec/choice.hpp"

namespace gainsweep::spec {
namespace {

using config::Integer, config::OptionalPath, config::Section;

constexpr std::int64_t million = 1000000;
constexpr std::int64_t most_tokens = std::int64_t{1} << 20;

Integer count(std::int64_t& value, std::int64_t least = 1, std::int64_t most = million) {
  return {&value, least, most};
}

}  // namespace

Section describe(ModelSpec& model) {
  return {{
      {"checkpoint", "folder of the model in Hugging Face layout", OptionalPath{&model.checkpoint}},
      {"exported", "`.pt2` file of the model as torch.export.save writes it",
       OptionalPath{&model.exported}},
      {"loss",
       "what the first output of an exported model is compared with: a class of each row, classes "
       "of places in a row, the right one among the candidates of a query, or, without labels, "
       "the model's own output",
       choice(model.loss, exported::losses())},
  }};
}

Section describe(CalibrationSpec& calibration) {
  return {{
      {"tokens", "HDF5 file of the token ids, of a language model",
       OptionalPath{&calibration.tokens}},
      {"inputs", "HDF5 file of the inputs and labels of samples, of an exported model",
       OptionalPath{&calibration.inputs}},
      {"samples", "number of sequences that are scored", count(calibration.samples)},
      {"length",
       "most predicted tokens of a sequence; exactly so many, unless the token file says where "
       "each "
       "lies",
       count(calibration.length, 1, most_tokens), "tokens"},
      {"scale_samples",
       "number of first sequences that static scales of activations are taken from",
       count(calibration.scale_samples)},
  }};
}

const std::filesystem::path& file_of(const ModelSpec& model) {
  return model.exported ? *model.exported : model.checkpoint.value();
}

bool has_no_first_order(const ModelSpec& model) {
  return model.exported && !exported::losses().at(model.loss).has_labels;
}

}  // namespace gainsweep::spec
