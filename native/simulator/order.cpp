// Which pieces of work are ordered, and what they touched. Every piece knows all that come before it, as a set of
// bits; the numbering starts anew whenever the host has waited for everything.
#include "order.h"

#include <algorithm>

namespace gridstride {

struct Ordering {
  const Context* context = nullptr;
  size_t index = 0;
  uint64_t epoch = 0;
  uint64_t sequence = 0;         // of issue
  uint64_t host_knows_from = 0;  // work issued from this number on comes after it; 0: the host has not waited yet
  bool done = false;
  std::vector<uint64_t> before;  // bit i: the piece with index i comes first
  AccessSet accesses;
  std::string description;

  bool follows(const Ordering& other) const {
    if (other.host_knows_from != 0 && sequence >= other.host_knows_from) return true;
    size_t word = other.index / 64;
    return word < before.size() && ((before[word] >> (other.index % 64)) & 1) != 0;
  }
};

namespace {

auto& all = *new std::vector<std::shared_ptr<Ordering>>;  // of this epoch
uint64_t epoch = 1, newest = 0;
size_t next_index = 0;

bool ordered(const Ordering& a, const Ordering& b) { return a.follows(b) || b.follows(a); }

Ordering& of(Work& work) {
  if (work.order == nullptr) {
    work.order = std::make_shared<Ordering>();
    work.order->index = next_index++;
    work.order->epoch = epoch;
    all.push_back(work.order);
  }
  return *work.order;
}

void known(Ordering& o) {
  if (o.host_knows_from == 0) o.host_knows_from = newest + 1;
}

// What all later work follows is of no more interest, unless something older than the wait is still to run.
void forget() {
  if (pending_count() != 0) return;
  all.erase(std::remove_if(all.begin(), all.end(), [](const auto& o) { return o->host_knows_from != 0; }), all.end());
  if (all.empty()) {
    epoch++;
    next_index = 0;
  }
}

bool has_rival(const Ordering& mine) {
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& other) { return other.get() != &mine && !ordered(mine, *other); });
}

std::string describe(const Work& work) {
  std::string where = work.node >= 0     ? text("node %d of a graph launched in stream #%llu", work.node,
                                                static_cast<unsigned long long>(work.stream))
                      : work.stream == 0 ? "the legacy default stream"
                                         : text("stream #%llu", static_cast<unsigned long long>(work.stream));
  return work.task.describe() + " in " + where;
}

}  // namespace

void order_after(Work& work, const Work& earlier) {
  if (!settings.checked || earlier.order == nullptr || earlier.order->epoch != epoch) return;
  Ordering& mine = of(work);
  const Ordering& theirs = *earlier.order;
  if (mine.before.size() <= theirs.index / 64) mine.before.resize(theirs.index / 64 + 1);
  if (mine.before.size() < theirs.before.size()) mine.before.resize(theirs.before.size());
  for (size_t i = 0; i < theirs.before.size(); i++) mine.before[i] |= theirs.before[i];
  mine.before[theirs.index / 64] |= uint64_t{1} << (theirs.index % 64);
}

void order_issued(Work& work) {
  newest = work.sequence;
  if (!settings.checked) return;
  of(work).sequence = work.sequence;
  work.order->context = work.task.context;
}

void order_host_waited(const Work& work) {
  if (work.order == nullptr || work.order->epoch != epoch) return;
  known(*work.order);
  for (auto& other : all) {
    if (work.order->follows(*other)) known(*other);
  }
  forget();
}

void order_host_waited_for_all(const Context& context) {
  for (auto& o : all) {
    if (o->done && o->context == &context) known(*o);
  }
  forget();
}

void order_context_ended(const Context& context) {
  all.erase(std::remove_if(all.begin(), all.end(), [&](const auto& o) { return o->context == &context; }), all.end());
  forget();
}

void order_finished(Work& work) {
  if (work.order != nullptr) work.order->done = true;
}

AccessSet* order_accesses(Work& work) {
  if (work.order == nullptr) return nullptr;
  // Work that nobody waits for may meet a rival that is not issued yet.
  return work.unawaited || has_rival(*work.order) ? &work.order->accesses : nullptr;
}

void order_access(Work& work, uintptr_t p, size_t bytes, bool write) {
  if (AccessSet* accesses = order_accesses(work)) accesses->note(p, bytes, write);
}

long order_count() { return static_cast<long>(all.size()); }

void order_ran(Work& work) {
  if (work.order == nullptr) return;
  Ordering& mine = *work.order;
  if (mine.accesses.empty()) return;
  mine.description = describe(work);
  for (auto& other : all) {
    if (other.get() == &mine || !other->done || other->accesses.empty() || ordered(mine, *other)) continue;
    bool mine_writes = false, theirs_writes = false;
    uintptr_t at = mine.accesses.conflict(other->accesses, &mine_writes, &theirs_writes);
    if (at == 0) continue;
    fail(CUDA_ERROR_LAUNCH_FAILED,
         "race between unordered work: %s %s and %s %s the same memory, %s, and no stream, event, graph edge or wait "
         "of the host orders the two",
         other->description.c_str(), theirs_writes ? "writes" : "reads", mine.description.c_str(),
         mine_writes ? "writes" : "reads", describe_address(reinterpret_cast<void*>(at)).c_str());
  }
}

}  // namespace gridstride
