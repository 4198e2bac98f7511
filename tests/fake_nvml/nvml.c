/* A libnvidia-ml.so.1 with two made-up cards, for tests: the calls that the program uses, by NVML's
 * own declarations. FAKE_NVML_REASONS is the first card's mask of clocks event reasons, asked at
 * each call; FAKE_NVML_BROKEN makes the library find no driver. The second card tells nothing but
 * its name. */
#include <stdlib.h>
#include <string.h>

enum { success = 0, invalid = 2, not_supported = 3, not_found = 6, driver_not_loaded = 9 };

typedef struct {
  const char *name, *uuid, *address;
} Card;

static Card cards[] = {
    {"Fake Card 90", "GPU-00000000-0000-0000-0000-000000000001", "00000000:19:00.0"},
    {"Fake Card 10", "GPU-00000000-0000-0000-0000-000000000002", "00000000:5A:00.0"}};

typedef struct {
  char legacy[16];
  unsigned domain, bus, device, device_id, subsystem_id;
  char address[32];
} Pci;

static int copy(char* to, unsigned size, const char* text) {
  if (strlen(text) >= size) return 7; /* insufficient size */
  strcpy(to, text);
  return success;
}

int nvmlInit_v2(void) {
  return getenv("FAKE_NVML_BROKEN") ? driver_not_loaded : success;
}
int nvmlShutdown(void) {
  return success;
}
int nvmlSystemGetDriverVersion(char* text, unsigned size) {
  return copy(text, size, "580.00.01");
}
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = 2;
  return success;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Card** card) {
  if (index >= 2) return invalid;
  *card = &cards[index];
  return success;
}
/* Domains are written with four or eight digits. */
int nvmlDeviceGetHandleByPciBusId_v2(const char* address, Card** card) {
  for (int i = 0; i < 2; ++i)
    if (!strcmp(address, cards[i].address) || !strcmp(address, cards[i].address + 4)) {
      *card = &cards[i];
      return success;
    }
  return not_found;
}
int nvmlDeviceGetHandleByUUID(const char* uuid, Card** card) {
  for (int i = 0; i < 2; ++i)
    if (!strcmp(uuid, cards[i].uuid)) {
      *card = &cards[i];
      return success;
    }
  return not_found;
}
int nvmlDeviceGetName(Card* card, char* text, unsigned size) {
  return copy(text, size, card->name);
}
int nvmlDeviceGetUUID(Card* card, char* text, unsigned size) {
  return copy(text, size, card->uuid);
}
int nvmlDeviceGetPciInfo_v3(Card* card, Pci* pci) {
  memset(pci, 0, sizeof *pci);
  return copy(pci->address, sizeof pci->address, card->address);
}
int nvmlDeviceGetCudaComputeCapability(Card* card, int* major, int* minor) {
  if (card != cards) return not_supported;
  *major = 9;
  *minor = 0;
  return success;
}
int nvmlDeviceGetClockInfo(Card* card, int type, unsigned* megahertz) {
  if (card != cards || type != 1) return not_supported;
  *megahertz = 1980;
  return success;
}
int nvmlDeviceGetPowerUsage(Card* card, unsigned* milliwatts) {
  if (card != cards) return not_supported;
  *milliwatts = 412500;
  return success;
}
int nvmlDeviceGetTemperature(Card* card, int sensor, unsigned* celsius) {
  if (card != cards || sensor != 0) return not_supported;
  *celsius = 61;
  return success;
}
int nvmlDeviceGetCurrentClocksEventReasons(Card* card, unsigned long long* mask) {
  if (card != cards) return not_supported;
  const char* text = getenv("FAKE_NVML_REASONS");
  *mask = text ? strtoull(text, NULL, 0) : 1;
  return success;
}
