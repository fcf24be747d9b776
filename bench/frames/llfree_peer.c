/* LLFree's C port behind three plain functions, for frames_bench. Built only when its place is
 * told: cmake -DSTRATA_LLFREE=<checkout of luhsra/llfree-c, built by `make DEBUG=0`>. */
#include <llfree.h>
#include <llfree_inner.h>
#include <stdlib.h>

static struct llfree peer;
static size_t peer_cores;

static llfree_request_t request(unsigned order, size_t core) {
  return llfree_simple_request(peer_cores, (uint8_t)order, core);
}

int llfree_peer_open(size_t frames, size_t cores) {
  peer_cores = cores;
  llfree_classing_t classing = llfree_classing_simple(cores);
  llfree_meta_size_t size = llfree_metadata_size(&classing, frames);
  llfree_meta_t meta = {
      .local = aligned_alloc(64, (size.local + 63) / 64 * 64),
      .trees = aligned_alloc(64, (size.trees + 63) / 64 * 64),
      .lower = aligned_alloc(64, (size.lower + 63) / 64 * 64),
  };
  return llfree_is_ok(llfree_init(&peer, frames, LLFREE_INIT_FREE, meta, &classing));
}
/* ~0 when there is none. */
unsigned long llfree_peer_get(size_t core, unsigned order) {
  llfree_result_t got = llfree_get(&peer, frame_id_none(), request(order, core));
  return llfree_is_ok(got) ? got.frame.value : ~0ul;
}
int llfree_peer_put(size_t core, unsigned long frame, unsigned order) {
  return llfree_is_ok(llfree_put(&peer, frame_id(frame), request(order, core)));
}
size_t llfree_peer_free_blocks(void) {
  llfree_drain(&peer);
  return llfree_stats(&peer).free_huge;
}
