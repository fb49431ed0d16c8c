// The text of lua/*.lua, built into the program. "step" is lua/step.lua, "lib/wake"
// lua/lib/wake.lua.
#pragma once

#include <string_view>

namespace wp {

/// Empty when there is no such file.
std::string_view lua_source(std::string_view name);

}  // namespace wp
