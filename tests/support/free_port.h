// A TCP port on the loopback address that nobody uses at this moment.
#pragma once

namespace wp::test {

int free_port();

}  // namespace wp::test
