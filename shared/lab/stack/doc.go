// Package stack reads a cloud assembly, the folder that cdk synth writes, into a
// typed model of what its templates describe: functions, roles, rules, queues,
// and the rest of what Detour deploys.
//
// It is strict. A resource type, a property, an intrinsic function or a value
// that the model does not have is an error that names the stack, the logical id,
// the type and the property: what the lab leaves out, nobody finds out in the
// lab. A reference to a resource that no stack of the assembly has is an error
// too. Everything that is read is bounded.
//
// Roles and resource policies are kept whole, as JSON, beside what is read of
// them. Names are physical names, which templates give explicitly; only what no
// other stack can refer to may have none.
package stack
