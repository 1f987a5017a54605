// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/child.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glog/logging.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

extern char** environ;

namespace weir::chaos {
namespace {

constexpr auto kPause = std::chrono::milliseconds(10);

// Calls `holds` again and again until it holds, or `within` has passed.
template <class Holds>
bool Poll(std::chrono::milliseconds within, Holds holds) {
  auto deadline = std::chrono::steady_clock::now() + within;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

std::string ContentsOf(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

std::string PathOf(const std::string& program) {
  const std::string folder = program == "weir" ? "cli" : program;
  return std::string(std::getenv("TEST_SRCDIR")) + "/weir/" + folder + "/" + program;
}

std::string NewFolder() {
  static int number = 0;
  std::string folder = std::string(std::getenv("TEST_TMPDIR")) + "/" + std::to_string(getpid()) +
                       "-" + std::to_string(++number);
  std::filesystem::create_directories(folder);
  return folder;
}

int FreePort() {
  // Below the range that outgoing connections take theirs from.
  static int port = 21000 + static_cast<int>(getpid() * 37 % 10000);
  for (int tries = 0; tries < 2000; ++tries) {
    port = port >= 31999 ? 21000 : port + 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<uint16_t>(port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool free = bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
    close(fd);
    if (free) return port;
  }
  LOG(FATAL) << "there is no free port on 127.0.0.1";
}

Child::Child(std::vector<std::string> command, const std::string& input) {
  const std::string folder = NewFolder();
  output_ = folder + "/output";
  std::ofstream(folder + "/input") << input;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, (folder + "/input").c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, output_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  std::vector<char*> words;
  for (std::string& word : command) words.push_back(word.data());
  words.push_back(nullptr);
  int error = posix_spawn(&pid_, words[0], &files, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  CHECK_EQ(error, 0) << "cannot start " << command[0];
}

Child::~Child() {
  Signal(SIGKILL);
  Wait();
}

void Child::Signal(int signal) {
  if (!ended_) kill(pid_, signal);
}

std::optional<int> Child::Wait(std::chrono::milliseconds within) {
  Poll(within, [this] {
    int status = 0;
    if (ended_ || waitpid(pid_, &status, WNOHANG) != pid_) return ended_.has_value();
    ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
  });
  return ended_;
}

bool Child::Says(const std::string& words) {
  return Poll(std::chrono::seconds(10), [&] { return Output().find(words) != std::string::npos; });
}

std::string Child::Output() const { return ContentsOf(output_); }

Ended Run(std::vector<std::string> command, const std::string& input) {
  Child child(std::move(command), input);
  auto code = child.Wait(std::chrono::seconds(40));
  return {code, child.Output()};
}

}  // namespace weir::chaos
