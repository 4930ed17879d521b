#include "graph.h"
#include "event.h"
namespace gridstride {
void capture_work(Stream&, Task&) {}
void refuse_legacy(Stream&) {}
void refuse_while_capturing(Context&, const char*, bool) {}
void refuse_on_capturing(Stream&, const char*) {}
void capture_wait(Stream&, Event&) {}
void capture_record(Stream&, Event&) {}
void end_captures(Context&) {}
void stream_leaves_capture(Stream&) {}
}
