// An HTTP app as native sidecar on the real kubelet: the request that is in flight when its pod is
// deleted completes, in that pod and once, and only then does the app end.
#include <doctest/doctest.h>

#include "tests/e2e/site.h"

using namespace wp;
using namespace wp::test;
using nlohmann::json;

namespace {

// Answers after the seconds that the payload names, with the name of its pod; ends at once when it
// is asked to, as most apps do.
constexpr const char* kApp = R"py(
import http.server, json, os, signal, time
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        time.sleep(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        text = json.dumps(os.environ["HOSTNAME"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
http.server.ThreadingHTTPServer(("127.0.0.1", 8000), App).serve_forever()
)py";

}  // namespace

TEST_CASE("a pod is deleted with a request in flight: it completes, in that pod, exactly once") {
  if (!have_node()) exit(77);
  const Site site;
  const json app = {{"name", "app"},
                    {"image", "workerpool.test/python:1"},
                    {"imagePullPolicy", "Never"},
                    {"command", {"python3", "-c", kApp}}};
  site.apply_pool(
      "beside", {{"http", {{"url", "http://127.0.0.1:8000/jobs"}, {"readyPath", "/ready"}}}},
      {{"scaling", {{"minReplicas", 1}, {"maxReplicas", 1}}},
       {"workers",
        {{"drainTimeout", "1m"}, {"template", {{"spec", {{"containers", json::array({app})}}}}}}}});
  const auto serving = [&]() -> std::string {
    for (const SitePod& pod : site.pods("beside")) {
      if (pod.ready && !pod.leaving) return pod.name;
    }
    return "";
  };
  const bool up = eventually([&] { return !serving().empty(); }, Millis{60000}, Millis{200});
  REQUIRE_MESSAGE(up, site.operator_log());
  const std::string pod = serving();
  site.put("beside", {{"long", "12"}});
  REQUIRE(eventually([&] { return site.counts("beside").active == 1; }, Millis{60000}));
  site.kubectl({"delete", "pod", pod, "--wait=false"});
  const auto job = [&] {
    return site.with_queue("beside", [](queue::Queue& q) { return q.job("long"); });
  };
  REQUIRE(eventually([&] { return job().state == queue::JobState::done; }, Millis{60000}));
  CHECK(json::parse(job().result).at("result") == pod);
  CHECK(site.counts("beside").stat["started"] == 1);
  CHECK(site.books("beside", {"long"}).empty());
  // The app had nothing to wait for any more: it was not killed at the end of the grace period.
  CHECK(eventually([&] { return kubectl_get("pod", pod, site.ns()).is_null(); }, Millis{60000}));
}
