#include "latency/source.hpp"

namespace gainsweep::latency {

Table<Source>& sources() {
  static Table<Source> table{{"measured"}};
  return table;
}

}  // namespace gainsweep::latency
