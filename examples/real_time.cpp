// profiles::RealTime: every call has a constant bound; all memory is touched beforehand.
#include <cstdio>

#include "strata/region.hpp"

struct Message {
  unsigned number;
  char text[52];
};

alignas(16) static char memory[64 << 10];
static constinit strata::Region<strata::profiles::RealTime> region;  // nothing runs before main

int main() {
  if (region.add(memory, sizeof memory) != strata::RegionError::none) return 1;

  Message* queue[32] = {};
  unsigned lost = 0;
  for (unsigned i = 0; i < 100000; ++i) {
    Message*& place = queue[i * 7 % 32];
    if (place != nullptr) region.free(place);
    place = static_cast<Message*>(region.allocate(sizeof(Message) + i % 512));
    if (place == nullptr)
      ++lost;
    else
      place->number = i;
  }
  std::printf("100000 messages, %u lost; the region %s\n", lost,
              region.check() ? "is in order" : "is damaged");
  return lost != 0;
}
