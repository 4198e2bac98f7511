// A driver for CUDA 13.0 that shows two cards, of which the second tells no UUID and no address.

#include <stdio.h>
#include <string.h>

enum { ok = 0, invalid_value = 1, not_initialised = 3 };

static int initialised = 0;

int cuInit(unsigned int flags) {
  initialised = flags == 0;
  return initialised ? ok : invalid_value;
}

int cuDriverGetVersion(int* version) {
  *version = 13000;
  return ok;
}

int cuDeviceGetCount(int* count) {
  *count = 2;
  return initialised ? ok : not_initialised;
}

int cuDeviceGet(int* device, int place) {
  *device = 40 + place;
  return initialised ? ok : not_initialised;
}

int cuDeviceGetName(char* name, int room, int device) {
  snprintf(name, (size_t)room, "Fake Card %d", device);
  return ok;
}

int cuDeviceGetUuid_v2(unsigned char* uuid, int device) {
  if (device != 40) return invalid_value;
  for (int i = 0; i < 16; ++i) uuid[i] = (unsigned char)(17 * i);
  return ok;
}

int cuDeviceGetPCIBusId(char* address, int room, int device) {
  if (device != 40) return invalid_value;
  strncpy(address, "0000:19:00.0", (size_t)room);
  return ok;
}

int cuDeviceGetAttribute(int* number, int attribute, int device) {
  if (attribute != 75 && attribute != 76) return invalid_value;
  *number = device == 40 ? (attribute == 75 ? 9 : 0) : (attribute == 75 ? 8 : 6);
  return ok;
}
