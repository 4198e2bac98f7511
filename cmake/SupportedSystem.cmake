# Refuses systems that gainsweep was never built for. docs/reproducibility.md says what is supported and why.
include(CheckCXXSymbolExists)

# gainsweep_refuse_system(what): ends the configuration with a sentence.
function(gainsweep_refuse_system what)
  message(FATAL_ERROR "gainsweep is built for Linux with the GNU C library on x86-64 (64 bit, little-endian). ${what} "
    "Configure on such a system, or in a container of one (cluster/apptainer). docs/reproducibility.md has the reasons.")
endfunction()

if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  gainsweep_refuse_system("This system is ${CMAKE_SYSTEM_NAME}.")
endif()
string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" _processor)
if(NOT _processor MATCHES "^(x86_64|amd64)$")
  gainsweep_refuse_system("This processor is ${CMAKE_SYSTEM_PROCESSOR}.")
endif()
if(NOT CMAKE_SIZEOF_VOID_P EQUAL 8)
  math(EXPR _bits "8 * ${CMAKE_SIZEOF_VOID_P}")
  gainsweep_refuse_system("This compiler's programs have ${_bits} bits.")
endif()
if(NOT CMAKE_CXX_BYTE_ORDER STREQUAL "LITTLE_ENDIAN")
  gainsweep_refuse_system("This compiler's programs are of byte order '${CMAKE_CXX_BYTE_ORDER}'.")
endif()
check_cxx_symbol_exists(__GLIBC__ features.h GAINSWEEP_HAS_GLIBC)
if(NOT GAINSWEEP_HAS_GLIBC)
  gainsweep_refuse_system("This system's C library is another one (musl, as in Alpine?).")
endif()
unset(_processor)
unset(_bits)
