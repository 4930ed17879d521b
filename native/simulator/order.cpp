// Which pieces of work are ordered, and what they touched. Every piece knows all that come before it, as a set of
// numbers. A piece is kept only until whatever may still run follows it, so the sets stay small however long it goes.
#include "order.h"

#include <algorithm>

namespace gridstride {

namespace {

uint64_t oldest_number = 0;  // that of the oldest piece that is kept; sets hold none before it

// Numbers of pieces of work.
class Numbers {
 public:
  bool has(uint64_t number) const {
    uint64_t word = number / 64;
    return word >= first_ && word - first_ < words_.size() && ((words_[word - first_] >> (number % 64)) & 1) != 0;
  }

  void add(uint64_t number) {
    if (number >= oldest_number) word(number / 64) |= uint64_t{1} << (number % 64);
  }

  void add_all(const Numbers& other) {
    for (size_t i = other.words_.size(); i-- > 0 && other.first_ + i >= oldest_number / 64;) {
      word(other.first_ + i) |= other.words_[i];
    }
  }

 private:
  uint64_t& word(uint64_t number) {
    if (words_.empty()) first_ = number;
    if (number < first_) {
      words_.insert(words_.begin(), static_cast<size_t>(first_ - number), 0);
      first_ = number;
    }
    if (number - first_ >= words_.size()) words_.resize(static_cast<size_t>(number - first_) + 1);
    return words_[static_cast<size_t>(number - first_)];
  }

  uint64_t first_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace

struct Ordering {
  const Context* context = nullptr;
  uint64_t number = 0;
  uint64_t sequence = 0;         // of issue
  uint64_t host_knows_from = 0;  // work issued from this number on comes after it; 0: the host has not waited yet
  bool done = false;
  Numbers before;                // the pieces that come first
  AccessSet accesses;
  std::string description;

  bool follows(const Ordering& other) const {
    if (other.host_knows_from != 0 && sequence >= other.host_knows_from) return true;
    return before.has(other.number);
  }
};

namespace {

auto& all = *new std::vector<std::shared_ptr<Ordering>>;  // those that are kept, the oldest first
uint64_t newest = 0;                                      // sequence of what was issued last
uint64_t next_number = 0;

bool ordered(const Ordering& a, const Ordering& b) { return a.follows(b) || b.follows(a); }

Ordering& of(Work& work) {
  if (work.order == nullptr) {
    work.order = std::make_shared<Ordering>();
    work.order->number = next_number++;
    all.push_back(work.order);
  }
  return *work.order;
}

void known(Ordering& o) {
  if (o.host_knows_from == 0) o.host_knows_from = newest + 1;
}

// What the host has waited for is of no more interest once everything older than the wait has run.
void forget() {
  uint64_t oldest = oldest_pending();
  all.erase(std::remove_if(all.begin(), all.end(),
                           [&](const auto& o) { return o->host_knows_from != 0 && o->host_knows_from <= oldest; }),
            all.end());
  oldest_number = all.empty() ? next_number : all.front()->number;
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
  if (!settings.checked || earlier.order == nullptr) return;
  Ordering& mine = of(work);
  mine.before.add_all(earlier.order->before);
  mine.before.add(earlier.order->number);
}

void order_issued(Work& work) {
  newest = work.sequence;
  if (!settings.checked) return;
  of(work).sequence = work.sequence;
  work.order->context = work.task.context;
}

void order_host_waited(const Work& work) {
  if (work.order == nullptr) return;
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
