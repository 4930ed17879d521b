// Events: a point in a stream's work.
#pragma once

#include "state.h"

namespace gridstride {

struct Event {
  Context* context = nullptr;
  unsigned flags = 0;
  uint64_t id = 0;
  Work* work = nullptr;   // the record, once recorded
  bool captured = false;  // last recorded in a stream that was being captured
  uint64_t capture_id = 0;
  std::vector<GraphNode*> frontier;
};

void destroy_event(Event& event);
void destroy_stream(Stream& stream);
void drop_stream_work(Stream& stream);

}  // namespace gridstride
