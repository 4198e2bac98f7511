#include "latency/source.hpp"

namespace gainsweep::latency {

Table<Source>& sources() {
  static Table<Source> table{{"measured", true}, {"modelled", false}, {"imported", false}};
  return table;
}

}  // namespace gainsweep::latency
