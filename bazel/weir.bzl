"""The rules that every BUILD file of Weir loads: ours say warnings are errors, once."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
    "-Wimplicit-fallthrough",
    "-Wno-missing-field-initializers",
    "-Werror",
]

def weir_library(copts = [], **kwargs):
    """A cc_library of ours. Readers are named by `visibility`; the default is the package itself."""
    cc_library(copts = _WARNINGS + copts, **kwargs)

def weir_binary(copts = [], **kwargs):
    cc_binary(copts = _WARNINGS + copts, **kwargs)

def weir_test(name, deps = [], copts = [], size = "small", **kwargs):
    """A GoogleTest; it comes with main()."""
    cc_test(
        name = name,
        size = size,
        copts = _WARNINGS + copts,
        deps = deps + ["//bazel/libraries:gtest_main"],
        **kwargs
    )

def weir_fuzz_test(name, srcs, deps = [], copts = [], size = "small", **kwargs):
    """A parser fed with bytes that nobody meant: `srcs` define weir::fuzz::MakeTarget().

    In the suite a main of ours feeds the target's seeds and a bounded number of mutations of them,
    the same on every run. With --config=fuzz the same target is a libFuzzer binary:

      bazel run --config=fuzz //common/records:batch_fuzz -- -max_total_time=600 /tmp/corpus
    """
    cc_test(
        name = name,
        size = size,
        srcs = srcs,
        args = select({
            "//tests/fuzz:libfuzzer": ["-max_total_time=20", "-rss_limit_mb=1024"],
            "//conditions:default": [],
        }),
        copts = _WARNINGS + copts,
        deps = deps + ["//tests/fuzz:target"] + select({
            "//tests/fuzz:libfuzzer": ["//tests/fuzz:libfuzzer_main"],
            "//conditions:default": ["//tests/fuzz:driver_main"],
        }),
        **kwargs
    )

def _files_of(label):
    """The .proto files of a weir_proto: //a/b means //a/b:b."""
    if ":" not in label:
        label = label + ":" + label.split("/")[-1]
    return label + "_files"

def weir_proto(name, srcs, deps = [], visibility = None):
    """Protobuf messages as a C++ library.

    Services are written in the same files, for every gRPC client and for reflection. Weir's own
    processes need no generated stubs: common/host carries every method as bytes.

    Args:
      name: the library.
      srcs: .proto files of this package.
      deps: weir_proto targets whose files these import.
      visibility: who may read it.
    """
    stems = [src[:-len(".proto")] for src in srcs]
    headers = [stem + ".pb.h" for stem in stems]
    sources = [stem + ".pb.cc" for stem in stems]
    native.filegroup(
        name = name + "_files",
        srcs = srcs + [_files_of(dep) for dep in deps],
        visibility = ["//visibility:public"],
    )
    native.genrule(
        name = name + "_generated",
        srcs = srcs + [_files_of(dep) for dep in deps],
        outs = headers + sources,
        cmd = "/usr/bin/protoc -I. -I/usr/include --cpp_out=$(GENDIR) " +
              " ".join(["$(location " + src + ")" for src in srcs]),
    )
    cc_library(
        name = name,
        srcs = sources,
        hdrs = headers,
        copts = ["-w"],
        visibility = visibility,
        deps = deps + ["//bazel/libraries:protobuf"],
    )
