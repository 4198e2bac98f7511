# Writes OUTPUT with the version and commit of SOURCE; touched only when they change.
# Run at each build:  cmake -DSOURCE=… -DVERSION=… -DOUTPUT=… -P BuildInfo.cmake
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit "unknown")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[
#include "cli/build_info.hpp"

namespace gainsweep::cli {
const char* const program_version = "@VERSION@";
const char* const program_commit = "@commit@";
}  // namespace gainsweep::cli
]])
