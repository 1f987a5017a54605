// SPDX-License-Identifier: Apache-2.0
#include "cli/dev_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <fstream>
#include <sstream>
#include <thread>

extern char** environ;

namespace weir::cli {
namespace {

std::string StatOf(int pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// A process that has ended and that its parent has not yet asked about still has its pid.
bool IsZombie(const std::string& stat) {
  size_t end = stat.rfind(") ");
  return end != std::string::npos && stat.size() > end + 2 && stat[end + 2] == 'Z';
}

}  // namespace

Result<void> StartProcess(DevProcess& process) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, process.log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0644);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> words;
  for (const std::string& word : process.command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t pid = 0;
  int error = posix_spawn(&pid, words[0], &files, &attributes, words.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    return Fail(Error::Kind::kIo,
                "cannot start " + process.command.front() + ": " + std::strerror(error));
  }
  process.pid = pid;
  process.start_ticks = StartTicksOf(StatOf(pid));
  return {};
}

bool IsRunning(const DevProcess& process) {
  if (process.pid <= 0 || process.start_ticks == 0) return false;
  // Those that we started ourselves become zombies of ours.
  waitpid(process.pid, nullptr, WNOHANG);
  std::string stat = StatOf(process.pid);
  return StartTicksOf(stat) == process.start_ticks && !IsZombie(stat);
}

bool SignalProcess(const DevProcess& process, int signal) {
  return IsRunning(process) && kill(process.pid, signal) == 0;
}

std::vector<std::string> EndProcesses(const std::vector<DevProcess>& processes, int seconds) {
  for (const DevProcess& process : processes) SignalProcess(process, SIGTERM);
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  auto any_running = [&] {
    for (const DevProcess& process : processes) {
      if (IsRunning(process)) return true;
    }
    return false;
  };
  while (any_running() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  std::vector<std::string> killed;
  for (const DevProcess& process : processes) {
    if (SignalProcess(process, SIGKILL)) killed.push_back(process.name);
  }
  return killed;
}

Result<std::vector<int>> FreePorts(int count) {
  // Below the range that outgoing connections take theirs from.
  constexpr int kFirst = 20000;
  constexpr int kLast = 31999;
  std::vector<int> sockets;
  std::vector<int> ports;
  int port = kFirst + static_cast<int>(getpid() * 31 % (kLast - kFirst));
  // All are held until all are found, so that no port comes twice.
  for (int tries = 0; tries < 2000 && ports.size() < static_cast<size_t>(count); ++tries) {
    port = port == kLast ? kFirst : port + 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<uint16_t>(port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0) break;
    sockets.push_back(fd);
    if (bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0) ports.push_back(port);
  }
  for (int fd : sockets) close(fd);
  if (ports.size() < static_cast<size_t>(count)) {
    return Fail(Error::Kind::kIo, "not enough free ports on 127.0.0.1 from " +
                                      std::to_string(kFirst) + " to " + std::to_string(kLast));
  }
  return ports;
}

std::string Tail(const std::string& path, int lines) {
  std::ifstream in(path);
  std::deque<std::string> last;
  for (std::string line; std::getline(in, line);) {
    last.push_back(line);
    if (last.size() > static_cast<size_t>(lines)) last.pop_front();
  }
  std::string text;
  for (const std::string& line : last) text += "  " + line + "\n";
  return text;
}

}  // namespace weir::cli
