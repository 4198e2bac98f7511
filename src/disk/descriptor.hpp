#pragma once

namespace gainsweep::disk {

/// An owned file descriptor; negative for none. Move-only.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  /// Closes; 0 or the error number. Some file systems report a full disk only here.
  int close();

 private:
  int number_;
};

}  // namespace gainsweep::disk
