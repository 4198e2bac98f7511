#include <gmock/gmock.h>

#include "archive/decoder.hpp"

int main(int argc, char** argv) {
  gainsweep::archive::serve_if_decoder(argc, argv);
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
