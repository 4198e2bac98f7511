#include "pipeline/loss_set.hpp"

#include <span>

#include "pipeline/key.hpp"

namespace gainsweep::pipeline {

LossSet::LossSet(std::string a_table, std::shared_ptr<const Samples> of, std::int64_t size)
    : table(std::move(a_table)), samples(std::move(of)) {
  const std::span ids(samples->ids);
  const auto step = size == 0 ? ids.size() : static_cast<std::size_t>(size);
  for (std::size_t first = 0; first < ids.size(); first += step)
    chunks.push_back({first, step, key::of_sample_set(ids.subspan(first, step))});
}

}  // namespace gainsweep::pipeline
