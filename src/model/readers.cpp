#include "model/llama.hpp"
#include "model/mistral.hpp"
#include "model/model.hpp"
#include "model/qwen.hpp"

namespace gainsweep::model {

Table<Reader>& readers() {
  static Table<Reader> table{{"llama", open_llama},
                             {"mistral", open_mistral},
                             {"qwen2", open_qwen2},
                             {"qwen3", open_qwen3}};
  return table;
}

}  // namespace gainsweep::model
