# The project's own CMake functions: a library a folder, a test binary a folder.

add_library(gainsweep_warnings INTERFACE)
# GCC 12 warns of overlapping copies in "literal" + std::string (GCC bug 105651).
target_compile_options(gainsweep_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> -Wall -Wextra -Wpedantic -Wshadow
                       -Wnon-virtual-dtor -Wno-missing-field-initializers $<$<BOOL:${GAINSWEEP_WERROR}>:-Werror>)
# Sums must not depend on whether a compiler contracts a product and a sum.
target_compile_options(gainsweep_warnings INTERFACE -ffp-contract=off)

# gainsweep_add_library(name SOURCES a.cpp ... HEADERS a.hpp ... [PUBLIC targets ...] [PRIVATE targets ...])
#
# The static library gainsweep_<name> (alias gainsweep::<name>) of the folder src/<name>. Its headers
# are compiled alone by the target all_verify_interface_header_sets.
function(gainsweep_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;PUBLIC;PRIVATE")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "gainsweep_add_library(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(target gainsweep_${name})
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(gainsweep::${name} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/src
                 FILES ${arg_HEADERS})
  set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} gainsweep_warnings)
endfunction()

# gainsweep_add_test(name SOURCES a_test.cpp ... [LINK targets ...] [RANKS 1 2 4] [TIMEOUT seconds] [LABELS ...])
#
# One GoogleTest binary. Without RANKS one CTest entry `name`; with RANKS one entry `name.np<N>` a
# rank count, launched with mpiexec, and the binary brings its own main (tests/mpi/main.cpp). The
# target tests_<label> builds the binaries of a label.
function(gainsweep_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LINK;RANKS;LABELS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "gainsweep_add_test(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${arg_LINK} gainsweep_warnings GTest::gtest GTest::gmock)
  target_compile_definitions(${name} PRIVATE
    GAINSWEEP_SOURCE_DIR="${PROJECT_SOURCE_DIR}" GAINSWEEP_BINARY_DIR="${PROJECT_BINARY_DIR}")
  foreach(label IN LISTS arg_LABELS)
    if(NOT TARGET tests_${label})
      add_custom_target(tests_${label})
    endif()
    add_dependencies(tests_${label} ${name})
  endforeach()
  if(arg_RANKS)
    foreach(ranks IN LISTS arg_RANKS)
      add_test(NAME ${name}.np${ranks}
        COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} ${MPIEXEC_PREFLAGS}
                $<TARGET_FILE:${name}>)
      set_tests_properties(${name}.np${ranks} PROPERTIES PROCESSORS ${ranks}
        TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}"
        ENVIRONMENT "OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMPI_MCA_rmaps_base_oversubscribe=1;OMPI_MCA_hwloc_base_binding_policy=none")
    endforeach()
  else()
    target_link_libraries(${name} PRIVATE GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
  endif()
endfunction()
