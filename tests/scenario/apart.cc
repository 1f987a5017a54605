// SPDX-License-Identifier: Apache-2.0
#include "tests/scenario/apart.h"

#include <glog/logging.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>
#include <utility>
#include <vector>

namespace weir::scenario {
namespace {

// In seconds of this machine: a run takes one or two.
constexpr unsigned kLongestRun = 300;
constexpr int kOnlyFatal = 3;

// Lines, told as they come: a run that dies has told what led there.
void Tell(int to, const std::string& line) {
  std::string whole = line;
  for (char& c : whole) c = c == '\n' ? ' ' : c;
  whole += '\n';
  for (size_t told = 0; told < whole.size();) {
    ssize_t wrote = write(to, whole.data() + told, whole.size() - told);
    if (wrote <= 0) _exit(3);
    told += static_cast<size_t>(wrote);
  }
}

// An exception is a death like any other: nobody above may catch it, and run on in the child.
[[noreturn]] void RunInChild(const std::string& text, uint64_t seed, Options options, int to,
                             int errors) noexcept {
  dup2(errors, STDERR_FILENO);
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = kOnlyFatal;
  alarm(kLongestRun);
  options.on_fault = [to](size_t number, const sim::Fault& fault) {
    std::ostringstream line;
    line << "fault " << number << ' ' << fault;
    Tell(to, line.str());
  };
  Verdict verdict = Scenario(text, seed, std::move(options)).Run();
  for (const std::string& words : verdict.wrong) Tell(to, "wrong " + words);
  std::ostringstream end;
  end << "end " << verdict.trace_hash << ' ' << verdict.events << ' ' << verdict.sent << ' '
      << verdict.acknowledged;
  Tell(to, end.str());
  _exit(0);
}

std::string ReadAll(int file) {
  std::string all;
  char bytes[4096];
  lseek(file, 0, SEEK_SET);
  for (ssize_t got; (got = read(file, bytes, sizeof bytes)) > 0;) {
    all.append(bytes, static_cast<size_t>(got));
  }
  return all;
}

}  // namespace

Apart::Apart(const std::string& text, uint64_t seed, Options options) {
  outcome_.seed = seed;
  int ends[2];
  PCHECK(pipe(ends) == 0);
  errors_ = memfd_create("errors", MFD_CLOEXEC);
  PCHECK(errors_ >= 0);
  child_ = fork();
  PCHECK(child_ >= 0);
  if (child_ == 0) {
    close(ends[0]);
    RunInChild(text, seed, std::move(options), ends[1], errors_);
  }
  close(ends[1]);
  from_child_ = ends[0];
}

Apart::~Apart() {
  if (child_ > 0) {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  close(from_child_);
  close(errors_);
}

bool Apart::Read() {
  char bytes[4096];
  ssize_t got = read(from_child_, bytes, sizeof bytes);
  if (got <= 0) return true;
  unread_.append(bytes, static_cast<size_t>(got));
  for (size_t end; (end = unread_.find('\n')) != std::string::npos;) {
    Understand(unread_.substr(0, end));
    unread_.erase(0, end + 1);
  }
  return false;
}

void Apart::Understand(const std::string& line) {
  std::istringstream in(line);
  std::string word;
  in >> word;
  if (word == "wrong") {
    outcome_.verdict.wrong.push_back(line.substr(word.size() + 1));
  } else if (word == "fault") {
    size_t number = 0;
    std::string rest;
    in >> number;
    std::getline(in, rest);
    auto fault = sim::ParseFault(rest);
    CHECK(fault) << fault.error();
    outcome_.faults[number] = *fault;
  } else if (word == "end") {
    Verdict& verdict = outcome_.verdict;
    in >> verdict.trace_hash >> verdict.events >> verdict.sent >> verdict.acknowledged;
    told_all_ = true;
  }
}

Outcome Apart::Finish() {
  int status = 0;
  waitpid(std::exchange(child_, -1), &status, 0);
  if (!told_all_) {
    outcome_.died = true;
    outcome_.verdict.wrong.push_back(Cause(status));
  }
  return std::move(outcome_);
}

// The line of the CHECK, or the signal.
std::string Apart::Cause(int status) const {
  std::istringstream errors(ReadAll(errors_));
  for (std::string line; std::getline(errors, line);) {
    bool is_check = line.starts_with("F") && line.find("Check failed") != std::string::npos;
    if (is_check || line.find("ERROR: AddressSanitizer") != std::string::npos ||
        line.find("runtime error:") != std::string::npos) {
      return line.substr(
          line.starts_with("F") ? std::min(line.size(), line.rfind(' ', line.find(']')) + 1) : 0);
    }
  }
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
    return "the run did not end in " + std::to_string(kLongestRun) + " s";
  }
  return WIFSIGNALED(status) ? "the run died of signal " + std::to_string(WTERMSIG(status))
                             : "the run ended with code " + std::to_string(WEXITSTATUS(status));
}

Outcome RunApart(const std::string& text, uint64_t seed, Options options) {
  Apart run(text, seed, std::move(options));
  while (!run.Read()) {
  }
  return run.Finish();
}

}  // namespace weir::scenario
