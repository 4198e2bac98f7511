#include "batch/unit.hpp"

#include "archive/field.hpp"

namespace gainsweep::batch {

archive::Record record(const Ticket& ticket, Fields fields) {
  return {ticket.table, ticket.nature, ticket.key, ticket.order, std::move(fields)};
}

archive::Record failure(const Ticket& ticket, const std::string& stage, const std::string& reason) {
  using archive::texts;
  return {failures,
          ticket.nature,
          ticket.key,
          ticket.order,
          {texts("stage", {stage}, {}, "Stage of the failed unit"),
           texts("label", {ticket.label}, {}, "What the unit was to do"),
           texts("reason", {reason}, {}, "Why it failed")}};
}

}  // namespace gainsweep::batch
