// A session's document and what a handler changes of it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace wp::runner {

/// The document after a merge patch (RFC 7396): members of the patch replace, null removes. A
/// document that is no JSON object, or is nested so deeply that no stack would hold it (a foreign
/// writer's), counts as {}. `patch` is a JSON object.
std::string merge_session(std::string_view document, std::string_view patch);

}  // namespace wp::runner
