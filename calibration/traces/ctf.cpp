#include "calibration/traces/ctf.h"

#include <babeltrace2/babeltrace.h>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "calibration/traces/ctf_metadata.h"
#include "calibration/traces/ctf_records.h"
#include "calibration/traces/ctf_stream.h"
#include "calibration/traces/parser_process.h"

namespace calibration {
namespace {

// A reference that babeltrace2 counts, given back at the end.
template <class T, auto put>
struct Ref {
  Ref() = default;
  explicit Ref(T* object) : it{object} {}
  Ref(const Ref&) = delete;
  Ref& operator=(const Ref&) = delete;
  ~Ref() { put(it); }
  T* it = nullptr;
};

// A babeltrace2 sink with a port for each stream. Its methods are called from C: what they throw is kept
// until the graph has returned.
class Sink {
 public:
  explicit Sink(EventWriter& out) : out_{out}, records_{out} {}

  void set_ports(std::uint64_t ports) { ports_ = ports; }  // before the graph makes its component

  static ::bt_component_class_initialize_method_status initialize(::bt_self_component_sink* self,
                                                                  ::bt_self_component_sink_configuration*,
                                                                  const ::bt_value*, void* data) {
    Sink& sink = *static_cast<Sink*>(data);
    ::bt_self_component_set_data(::bt_self_component_sink_as_self_component(self), data);
    for (std::uint64_t i = 0; i < sink.ports_; ++i) {
      if (::bt_self_component_sink_add_input_port(self, ("in" + std::to_string(i)).c_str(), nullptr,
                                                  nullptr) != BT_SELF_COMPONENT_ADD_PORT_STATUS_OK) {
        return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_ERROR;
      }
    }
    return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_OK;
  }

  static ::bt_component_class_sink_graph_is_configured_method_status configured(
      ::bt_self_component_sink* self) {
    return of(self).attempt([&](Sink& sink) { sink.open(self); })
               ? BT_COMPONENT_CLASS_SINK_GRAPH_IS_CONFIGURED_METHOD_STATUS_OK
               : BT_COMPONENT_CLASS_SINK_GRAPH_IS_CONFIGURED_METHOD_STATUS_ERROR;
  }

  static ::bt_component_class_sink_consume_method_status consume(::bt_self_component_sink* self) {
    return of(self).attempt([](Sink& sink) { sink.merge(); })
               ? BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_END
               : BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_ERROR;
  }

  static void finalize(::bt_self_component_sink* self) { of(self).streams_.clear(); }

  void rethrow() const {
    if (thrown_ != nullptr) {
      std::rethrow_exception(thrown_);
    }
  }

 private:
  using Head = std::pair<std::int64_t, std::size_t>;  // time, stream

  static Sink& of(::bt_self_component_sink* self) {
    return *static_cast<Sink*>(
        ::bt_self_component_get_data(::bt_self_component_sink_as_self_component(self)));
  }

  template <class Work>
  bool attempt(Work&& work) {
    try {
      work(*this);
      return true;
    } catch (...) {
      thrown_ = std::current_exception();
      return false;
    }
  }

  void open(::bt_self_component_sink* self) {
    streams_.reserve(ports_);
    for (std::uint64_t i = 0; i < ports_; ++i) {
      streams_.emplace_back().open(self, i);
    }
  }

  // A stream whose time goes back is handed out in its own order: its next event is then before all others.
  void merge() {
    std::priority_queue<Head, std::vector<Head>, std::greater<>> queue;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      if (streams_[i].find()) {
        queue.emplace(streams_[i].time(), i);
      }
    }
    while (!queue.empty()) {
      const std::size_t at = queue.top().second;
      queue.pop();
      CtfStream& stream = streams_[at];
      emit(stream);
      stream.release();
      if (stream.find()) {
        queue.emplace(stream.time(), at);
      }
    }
  }

  void emit(const CtfStream& stream) {
    Event event;
    const ::bt_message* const message = stream.message();
    if (::bt_message_get_type(message) == BT_MESSAGE_TYPE_EVENT) {
      records_.read(::bt_message_event_borrow_event_const(message), stream.time(), stream.cpu(), event);
    } else {
      event.time = stream.time();
      event.cpu = stream.cpu();
      event.kind = EventKind::lost;
      event.lost = {0};
      if (::bt_message_get_type(message) == BT_MESSAGE_TYPE_DISCARDED_EVENTS &&
          ::bt_message_discarded_events_get_count(message, &event.lost.count) !=
              BT_PROPERTY_AVAILABILITY_AVAILABLE) {
        event.lost.count = 0;
      }
    }
    out_.event(event);
  }

  std::uint64_t ports_ = 0;
  EventWriter& out_;
  CtfRecords records_;
  std::vector<CtfStream> streams_;
  std::exception_ptr thrown_;
};

// The graph: one source of CTF files, its ports straight into our sink.
void read_trace(const std::string& directory, EventWriter& out) {
  ::setenv("BABELTRACE_PLUGIN_CTF_METADATA_LOG_LEVEL", "E", 1);  // the one way to have its parser's messages
  Ref<const ::bt_plugin, ::bt_plugin_put_ref> plugin;
  // The user's own plugins stay out: only those that came with the library.
  require_babeltrace2(::bt_plugin_find("ctf", BT_FALSE, BT_FALSE, BT_TRUE, BT_TRUE, BT_TRUE, &plugin.it) ==
                          BT_PLUGIN_FIND_STATUS_OK,
                      "read without its plugin ctf");
  const auto* const fs = ::bt_plugin_borrow_source_component_class_by_name_const(plugin.it, "fs");
  require_babeltrace2(fs != nullptr, "read without its component source.ctf.fs");

  Sink sink{out};  // the graph calls it when it goes
  const Ref<::bt_graph, ::bt_graph_put_ref> graph{::bt_graph_create(0)};
  const Ref<::bt_value, ::bt_value_put_ref> params{::bt_value_map_create()};
  ::bt_value* inputs = nullptr;
  require_babeltrace2(graph.it != nullptr && params.it != nullptr &&
                          ::bt_value_map_insert_empty_array_entry(params.it, "inputs", &inputs) ==
                              BT_VALUE_MAP_INSERT_ENTRY_STATUS_OK &&
                          ::bt_value_array_append_string_element(inputs, directory.c_str()) ==
                              BT_VALUE_ARRAY_APPEND_ELEMENT_STATUS_OK,
                      "read");
  const ::bt_component_source* source = nullptr;
  require_babeltrace2(
      ::bt_graph_add_source_component(graph.it, fs, "trace", params.it, BT_LOGGING_LEVEL_ERROR, &source) ==
          BT_GRAPH_ADD_COMPONENT_STATUS_OK,
      "open");

  const std::uint64_t ports = ::bt_component_source_get_output_port_count(source);
  sink.set_ports(ports);
  const Ref<::bt_component_class_sink, ::bt_component_class_sink_put_ref> sink_class{
      ::bt_component_class_sink_create("events", &Sink::consume)};
  require_babeltrace2(sink_class.it != nullptr, "read");
  ::bt_component_class_sink_set_initialize_method(sink_class.it, &Sink::initialize);
  ::bt_component_class_sink_set_graph_is_configured_method(sink_class.it, &Sink::configured);
  ::bt_component_class_sink_set_finalize_method(sink_class.it, &Sink::finalize);
  const ::bt_component_sink* component = nullptr;
  require_babeltrace2(::bt_graph_add_sink_component_with_initialize_method_data(
                          graph.it, sink_class.it, "events", nullptr, &sink, BT_LOGGING_LEVEL_NONE,
                          &component) == BT_GRAPH_ADD_COMPONENT_STATUS_OK,
                      "read");
  for (std::uint64_t i = 0; i < ports; ++i) {
    require_babeltrace2(
        ::bt_graph_connect_ports(graph.it, ::bt_component_source_borrow_output_port_by_index_const(source, i),
                                 ::bt_component_sink_borrow_input_port_by_index_const(component, i),
                                 nullptr) == BT_GRAPH_CONNECT_PORTS_STATUS_OK,
        "read");
  }
  const ::bt_graph_run_status status = ::bt_graph_run(graph.it);
  sink.rethrow();
  require_babeltrace2(status == BT_GRAPH_RUN_STATUS_OK, "decode");
}

std::uint64_t size_of(const std::filesystem::path& directory) {
  std::uint64_t size = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator{directory, error}) {
    const std::uint64_t bytes = entry.file_size(error);
    size += error ? 0 : bytes;
  }
  return size;
}

}  // namespace

std::unique_ptr<EventSource> open_ctf(const std::filesystem::path& directory, Names& names, CaptureLog& log) {
  check_ctf_metadata(directory);
  return start_parser({.file = directory.string(),
                       .parser = "babeltrace2",
                       .expected = std::string{ctf_expected},
                       .limits = {.cpu_seconds = parser_cpu_seconds(size_of(directory))},
                       .gist = babeltrace2_gist,
                       .parse =
                           [&](EventWriter& out, int) {
                             out.detail("babeltrace2 " + std::to_string(::bt_version_get_major()) + "." +
                                        std::to_string(::bt_version_get_minor()) + "." +
                                        std::to_string(::bt_version_get_patch()));
                             read_trace(directory.string(), out);
                           }},
                      names, log);
}

}  // namespace calibration
