// The graph of pending work and the order in which it runs.
#include "work.h"

#include <algorithm>
#include <chrono>

#include "event.h"
#include "graph.h"
#include "order.h"

namespace gridstride {

namespace {

constexpr long QUEUE = 4096;  // pieces of work that may be pending; a card's queues are not endless either

auto& idle = *new std::vector<Work*>;  // pieces to use again
Work *first = nullptr, *last = nullptr;
long pending = 0;
uint64_t next_sequence = 1, next_mark = 1;
uint64_t random_state = 0;
auto& todo = *new std::vector<Work*>;  // scratch

double now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void unlink(Work* w) {
  (w->previous == nullptr ? first : w->previous->next) = w->next;
  (w->next == nullptr ? last : w->next->previous) = w->previous;
  w->previous = w->next = nullptr;
  pending--;
}

void finish(Work* w) {
  w->done = true;
  order_finished(*w);
  if (w->task.kind == TaskKind::RECORD) w->time = now();
  for (Work* earlier : w->after) drop(earlier);
  w->after.clear();
  unlink(w);
  drop(w);
}

// Runs one piece whose dependencies are done. A failure stays with its context; what follows there is skipped.
void run_one(Work* w) {
  Context& context = *w->task.context;
  if (context.sticky == 0 && w->task.kind != TaskKind::EMPTY) {
    try {
      run_task(*w);
    } catch (const Failure& failure) {
      context.sticky = failure.code;
      context.sticky_message =
          failure.message +
          text(" [issued by %s%s, found by %s]", w->issued_by,
               w->stream == 0 ? "" : text(" in stream #%llu", static_cast<unsigned long long>(w->stream)).c_str(),
               current_call == nullptr ? "?" : current_call->name);
    }
  }
  finish(w);
}

bool ready(const Work* w) {
  for (const Work* earlier : w->after) {
    if (!earlier->done) return false;
  }
  return true;
}

// Runs all of `todo`, which holds everything that its members wait for.
void run_todo() {
  std::vector<Work*> batch;
  batch.swap(todo);
  std::sort(batch.begin(), batch.end(), [](const Work* a, const Work* b) { return a->sequence < b->sequence; });
  if (settings.seed == 0) {
    for (Work* w : batch) run_one(w);
  } else {
    // The first in order of issue can always run; so can others near it.
    constexpr uint64_t WINDOW = 64;
    while (!batch.empty()) {
      size_t i = random_below(std::min<uint64_t>(batch.size(), WINDOW));
      while (!ready(batch[i])) i--;
      Work* w = batch[i];
      batch.erase(batch.begin() + static_cast<long>(i));
      run_one(w);
    }
  }
  batch.clear();
  todo.swap(batch);  // keeps its room
}

void collect(Work* target, uint64_t mark) {
  if (target->done || target->mark == mark) return;
  target->mark = mark;
  size_t i = todo.size();
  todo.push_back(target);
  for (; i < todo.size(); i++) {
    for (Work* earlier : todo[i]->after) {
      if (earlier->done || earlier->mark == mark) continue;
      earlier->mark = mark;
      todo.push_back(earlier);
    }
  }
}

}  // namespace

uint64_t random_below(uint64_t bound) {
  if (bound == 0) return 0;
  uint64_t z = (random_state += 0x9E3779B97F4A7C15u);  // splitmix64
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return (z ^ (z >> 31)) % bound;
}

void seed_changed() { random_state = settings.seed; }
long pending_count() { return pending; }
uint64_t oldest_pending() { return first == nullptr ? UINT64_MAX : first->sequence; }

Work* new_work() {
  Work* w;
  if (idle.empty()) {
    w = new Work;
  } else {
    w = idle.back();
    idle.pop_back();
  }
  w->references = 1;
  w->done = w->unawaited = false;
  w->task.kind = TaskKind::EMPTY;
  w->node = -1;
  w->stream = 0;
  w->issued_by = current_call == nullptr ? "" : current_call->name;
  return w;
}

void hold(Work* w) { w->references++; }

void drop(Work* w) {
  if (w == nullptr || --w->references > 0) return;
  for (Work* earlier : w->after) drop(earlier);
  w->after.clear();
  w->order.reset();
  w->task.library.reset();
  w->task.copy.staged.clear();
  if (w->task.copy.staged.capacity() > 4096) w->task.copy.staged.shrink_to_fit();
  if (idle.size() < 2 * QUEUE) {
    idle.push_back(w);
  } else {
    delete w;
  }
}

void assign(Work*& slot, Work* w) {
  if (w != nullptr) hold(w);
  Work* old = slot;
  slot = w;
  if (old != nullptr) drop(old);
}

void wait_for(Work& w, Work* earlier) {
  if (earlier == nullptr) return;
  order_after(w, *earlier);
  if (earlier->done) return;
  hold(earlier);
  w.after.push_back(earlier);
}

void wait_for_stream(Stream& stream, Work& w) {
  Context& context = *stream.context;
  wait_for(w, stream.last);
  if (stream.legacy) {
    for (Stream* other : context.blocking) wait_for(w, other->last);
  } else if ((stream.flags & CU_STREAM_NON_BLOCKING) == 0) {
    wait_for(w, context.legacy.last);
  }
}

void enqueue(Work* w) {
  w->sequence = next_sequence++;
  hold(w);
  w->previous = last;
  w->next = nullptr;
  (last == nullptr ? first : last->next) = w;
  last = w;
  pending++;
  order_issued(*w);
}

void submit(Stream& stream, Work* w) {
  w->task.context = stream.context;
  w->stream = stream.id;
  try {
    if (stream.capture != nullptr) {
      capture_work(stream, w->task);
      drop(w);
      return;
    }
    if (!stream.context->captures.empty()) refuse_legacy(stream);
  } catch (...) {
    drop(w);
    throw;
  }
  wait_for_stream(stream, *w);
  enqueue(w);
  assign(stream.last, w);
  drop(w);
  limit_pending();
}

void limit_pending() {
  if (pending > QUEUE) run_all(nullptr);
}

bool finished(const Work* w) { return w == nullptr || w->done; }

void synchronize(Context& context, Work* target) {
  if (target != nullptr && !target->done) {
    hold(target);
    uint64_t mark = next_mark++;
    collect(target, mark);
    if (settings.seed != 0) {  // others may have come so far as well
      for (Work* w = first; w != nullptr; w = w->next) {
        if (w->mark == mark || random_below(2) == 0) continue;
        bool follows = true;
        for (const Work* earlier : w->after) follows = follows && (earlier->done || earlier->mark == mark);
        if (!follows) continue;
        w->mark = mark;
        w->unawaited = true;
        todo.push_back(w);
      }
    }
    run_todo();
    order_host_waited(*target);
    drop(target);
  } else if (target != nullptr) {
    order_host_waited(*target);
  }
  context.check();
}

void synchronize_stream(Stream& stream) {
  Context& context = *stream.context;
  if (stream.legacy) {
    // What the legacy stream's next work would wait for.
    for (Stream* other : context.blocking) synchronize(context, other->last);
  }
  synchronize(context, stream.last);
}

void synchronize_context(Context& context) {
  run_all(&context);
  order_host_waited_for_all(context);
  context.check();
}

void run_all(Context* context) {
  uint64_t mark = next_mark++;
  for (Work* w = first; w != nullptr; w = w->next) {
    if (context == nullptr) w->unawaited = true;
    if (context == nullptr || w->task.context == context) collect(w, mark);
  }
  run_todo();
}

void forget_work(Context& context) {
  for (Work* w = first; w != nullptr;) {
    Work* next = w->next;
    if (w->task.context == &context) finish(w);
    w = next;
  }
}

}  // namespace gridstride
