# Finds the headers of LibTorch, libtorch_cpu and libc10 in a CPU wheel, a CUDA wheel or a libtorch archive alike.
#
# find_package(Torch) is not used: a CUDA build's TorchConfig.cmake stops where there is no CUDA toolkit, and it links
# libraries that this project has no use for.
#
# Looked through, in this order:
#   LibTorch_ROOT, CMAKE_PREFIX_PATH   a LibTorch (with include/ and lib/), or what torch.utils.cmake_prefix_path says
#   Torch_DIR                          where TorchConfig.cmake lies
#   .venv of the project               what scripts/setup installs
#   the system's folders
#
# LibTorch::LibTorch          target: headers, libtorch_cpu, libc10
# LibTorch_VERSION            2.13.0
# LibTorch_BUILD              cpu, or cuda, rocm, xpu for a build with that backend, whose other libraries are not linked

# A wheel's torch.utils.cmake_prefix_path is <LibTorch>/share/cmake, and TorchConfig.cmake lies one below.
set(_hints)
foreach(_prefix IN LISTS CMAKE_PREFIX_PATH)
  list(APPEND _hints ${_prefix}/../..)
endforeach()
if(Torch_DIR)
  list(APPEND _hints ${Torch_DIR}/../../..)
endif()
file(GLOB _installed ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
list(APPEND _hints ${_installed})

set(_version_header torch/csrc/api/include/torch/version.h)
# A LibTorch that is gone (another .venv, say) must not be kept from an earlier configuration.
if(LibTorch_INCLUDE_DIR AND NOT EXISTS ${LibTorch_INCLUDE_DIR}/${_version_header})
  unset(LibTorch_INCLUDE_DIR CACHE)
endif()
find_path(LibTorch_INCLUDE_DIR ${_version_header} HINTS ${_hints} PATH_SUFFIXES include
          DOC "LibTorch's headers")

if(LibTorch_INCLUDE_DIR)
  # Libraries of another LibTorch than the headers' would link and misbehave.
  foreach(_library IN ITEMS torch_cpu c10)
    if(LibTorch_${_library}_LIBRARY AND NOT EXISTS ${LibTorch_${_library}_LIBRARY})
      unset(LibTorch_${_library}_LIBRARY CACHE)
    endif()
    find_library(LibTorch_${_library}_LIBRARY ${_library} PATHS ${LibTorch_INCLUDE_DIR}/.. PATH_SUFFIXES lib
                 ${CMAKE_LIBRARY_ARCHITECTURE} lib/${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH
                 DOC "LibTorch's lib${_library}")
  endforeach()

  # 2.13 keeps the numbers in another header, which this one includes.
  set(LibTorch_VERSION)
  set(_numbers)
  foreach(_header IN ITEMS torch/headeronly/version.h ${_version_header})
    if(NOT _numbers AND EXISTS ${LibTorch_INCLUDE_DIR}/${_header})
      file(STRINGS ${LibTorch_INCLUDE_DIR}/${_header} _numbers REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
    endif()
  endforeach()
  if(_numbers)
    list(TRANSFORM _numbers REPLACE ".*_(MAJOR|MINOR|PATCH) +([0-9]+).*" "\\2")
    list(JOIN _numbers "." LibTorch_VERSION)
  endif()

  set(LibTorch_BUILD cpu)
  foreach(_backend IN ITEMS cuda:torch_cuda rocm:torch_hip xpu:torch_xpu)
    string(REPLACE ":" ";" _backend ${_backend})
    list(GET _backend 0 _name)
    list(GET _backend 1 _library)
    if(LibTorch_torch_cpu_LIBRARY)
      cmake_path(GET LibTorch_torch_cpu_LIBRARY PARENT_PATH _folder)
      if(EXISTS ${_folder}/lib${_library}.so)
        set(LibTorch_BUILD ${_name})
      endif()
    endif()
  endforeach()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_torch_cpu_LIBRARY LibTorch_c10_LIBRARY LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "
    Install its CPU build into the project's .venv:
      python3 -m venv .venv && .venv/bin/pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    or unpack a libtorch archive and name it: -DCMAKE_PREFIX_PATH=/path/to/libtorch.
    After another one was found, remove the build folder.
")

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES
    IMPORTED_LOCATION ${LibTorch_c10_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${LibTorch_INCLUDE_DIR})
  add_library(LibTorch::LibTorch SHARED IMPORTED)
  set_target_properties(LibTorch::LibTorch PROPERTIES
    IMPORTED_LOCATION ${LibTorch_torch_cpu_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_INCLUDE_DIR}/torch/csrc/api/include"
    INTERFACE_LINK_LIBRARIES LibTorch::c10)
  if(NOT LibTorch_BUILD STREQUAL cpu)
    message(STATUS "LibTorch is a ${LibTorch_BUILD} build, of which the CPU part is used. The CPU build is smaller: "
                   "pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu")
    # Its libtorch_cpu names libraries of the device's maker. The wheel brings them; where they are elsewhere, the
    # loader finds them when the program starts, and says which is missing when it does not.
    set_property(TARGET LibTorch::LibTorch PROPERTY INTERFACE_LINK_OPTIONS "LINKER:--allow-shlib-undefined")
  endif()
endif()

mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_torch_cpu_LIBRARY LibTorch_c10_LIBRARY)
unset(_hints)
unset(_installed)
unset(_numbers)
unset(_version_header)
