#include "operator/kube/lease_record.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "operator/kube/timestamp.h"

namespace wp::kube {
namespace {

using Json = nlohmann::json;

const Json* member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

const Json* spec_field(const Json& lease, const char* name) {
  const Json* const spec = member(lease, "spec");
  return spec == nullptr ? nullptr : member(*spec, name);
}

std::int64_t spec_number(const Json& lease, const char* name) {
  const Json* const field = spec_field(lease, name);
  return field != nullptr && field->is_number_integer() ? field->get<std::int64_t>() : 0;
}

}  // namespace

LeaseRecord::LeaseRecord(std::string identity, std::string term_annotation, Millis duration)
    : identity_(std::move(identity)),
      term_annotation_(std::move(term_annotation)),
      duration_(duration) {}

void LeaseRecord::observe(Json lease, Millis steady) {
  const Json* const spec = member(lease, "spec");
  std::string observed = spec == nullptr ? "" : spec->dump();
  if (observed != observed_ || lease_.is_null()) {
    observed_ = std::move(observed);
    observed_at_ = steady;
  }
  lease_ = std::move(lease);
}

std::string LeaseRecord::holder() const {
  const Json* const field = spec_field(lease_, "holderIdentity");
  return field != nullptr && field->is_string() ? field->get<std::string>() : "";
}

std::int64_t LeaseRecord::term() const {
  const Json* const metadata = member(lease_, "metadata");
  const Json* const all = metadata == nullptr ? nullptr : member(*metadata, "annotations");
  const Json* const text = all == nullptr ? nullptr : member(*all, term_annotation_.c_str());
  if (text == nullptr || !text->is_string()) return 0;
  const std::string& digits = text->get_ref<const std::string&>();
  std::int64_t term = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), term);
  return error == std::errc{} && end == digits.data() + digits.size() && term > 0 ? term : 0;
}

LeaseRecord::Verdict LeaseRecord::verdict(Millis steady) const {
  if (lease_.is_null()) return Verdict::create;
  const std::string holds = holder();
  if (holds == identity_) return Verdict::renew;
  if (holds.empty()) return Verdict::take;
  // The holder's own promise counts, not ours: replicas may run with other settings.
  const Millis promised =
      Millis{1000} * std::max<std::int64_t>(0, spec_number(lease_, "leaseDurationSeconds"));
  return steady >= observed_at_ + promised ? Verdict::take : Verdict::wait;
}

Json LeaseRecord::claim(Verdict verdict, const std::string& ns, const std::string& name,
                        Millis wall) const {
  const std::string now = format_micro_time(wall);
  Json lease = verdict == Verdict::create ? Json{{"apiVersion", "coordination.k8s.io/v1"},
                                                 {"kind", "Lease"},
                                                 {"metadata", {{"namespace", ns}, {"name", name}}}}
                                          : lease_;
  Json& spec = lease["spec"];
  spec["holderIdentity"] = identity_;
  spec["leaseDurationSeconds"] = duration_.count() / 1000;
  spec["renewTime"] = now;
  if (verdict == Verdict::renew) return lease;
  spec["acquireTime"] = now;
  spec["leaseTransitions"] =
      verdict == Verdict::create ? 0 : spec_number(lease_, "leaseTransitions") + 1;
  if (!term_annotation_.empty()) {
    const std::int64_t next = std::max<std::int64_t>(wall.count(), term() + 1);
    lease["metadata"]["annotations"][term_annotation_] = std::to_string(next);
  }
  return lease;
}

std::optional<Json> LeaseRecord::release(Millis wall) const {
  if (lease_.is_null() || holder() != identity_) return std::nullopt;
  Json lease = lease_;
  Json& spec = lease["spec"];
  spec.erase("holderIdentity");  // newer servers refuse an empty one
  spec["leaseDurationSeconds"] = 1;
  spec["renewTime"] = format_micro_time(wall);
  return lease;
}

}  // namespace wp::kube
