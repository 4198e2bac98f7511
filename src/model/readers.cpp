#include "model/llama.hpp"
#include "model/model.hpp"

namespace gainsweep::model {

Table<Reader>& readers() {
  static Table<Reader> table{{"llama", open_llama}};
  return table;
}

}  // namespace gainsweep::model
