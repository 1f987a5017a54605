"""Tests whose code, all the way down, is compiled with the bugs of PLANTED_BUG."""

def _with_bugs_impl(settings, attr):
    return {"//command_line_option:copt": settings["//command_line_option:copt"] +
                                          ["-DWEIR_PLANTED_BUGS"]}

_with_bugs = transition(
    implementation = _with_bugs_impl,
    inputs = ["//command_line_option:copt"],
    outputs = ["//command_line_option:copt"],
)

def _planted_test_impl(ctx):
    binary = ctx.attr.binary[0][DefaultInfo]
    executable = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(
        output = executable,
        target_file = binary.files_to_run.executable,
        is_executable = True,
    )
    return [DefaultInfo(executable = executable, runfiles = binary.default_runfiles)]

# Runs a test that was written as a weir_test with the tag "manual", compiled apart from all else.
planted_test = rule(
    implementation = _planted_test_impl,
    attrs = {
        "binary": attr.label(cfg = _with_bugs, mandatory = True),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    test = True,
)
