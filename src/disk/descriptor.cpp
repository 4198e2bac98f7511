#include "disk/descriptor.hpp"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace gainsweep::disk {

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Descriptor::~Descriptor() {
  if (is_open()) ::close(number_);
}

int Descriptor::close() {
  return !is_open() || ::close(std::exchange(number_, -1)) == 0 ? 0 : errno;
}

}  // namespace gainsweep::disk
