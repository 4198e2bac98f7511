#include "execute/program.hpp"

#include <malloc.h>

namespace gainsweep::execute {

void give_freed_memory_back() {
  ::mallopt(M_MMAP_THRESHOLD, 1 << 17);
}

}  // namespace gainsweep::execute
