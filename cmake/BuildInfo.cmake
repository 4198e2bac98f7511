# Writes OUTPUT with the version and commit of SOURCE; touched only when they change.
# Run at each build:  cmake -DSOURCE=… -DVERSION=… -DOUTPUT=… -P BuildInfo.cmake
# Without version control the commit is the one in the file COMMIT, which containers and `git archive` write.
function(git result)
  execute_process(COMMAND git -c safe.directory=${SOURCE} -C ${SOURCE} ${ARGN}
                  OUTPUT_VARIABLE said OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  set(${result} "${said}" PARENT_SCOPE)
endfunction()

set(commit)
file(REAL_PATH ${SOURCE} folder)
git(top rev-parse --show-toplevel)
if(top STREQUAL folder)  # a folder inside another project's checkout is not of that commit
  git(commit describe --always --dirty --abbrev=12)
elseif(EXISTS ${SOURCE}/COMMIT)
  file(STRINGS ${SOURCE}/COMMIT commit REGEX "^[0-9a-f]+(-dirty)?$" LIMIT_COUNT 1)
endif()
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
