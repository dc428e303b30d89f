// Runs state machines in aws-local-stepfunctions, an interpreter of the Amazon States Language that shares no code with
// Detour's, and checks them with asl-validator. Reads {"cases": [{definition, input, context, answers}]} from standard
// input, where answers has, for each state, what its task answers time after time; writes what came of each.
import { createRequire } from 'node:module';
import { StateMachine } from 'aws-local-stepfunctions';

const validate = createRequire(import.meta.url)('asl-validator');

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { cases } = JSON.parse(Buffer.concat(chunks).toString());

function handlers(one, out) {
  const taken = {};
  const result = {};
  for (const [name, state] of Object.entries(one.definition.States)) {
    if (state.Type !== 'Task') continue;
    result[name] = async (input) => {
      out.calls.push({ state: name, payload: input.Payload });
      const answers = one.answers[name] ?? [];
      const n = Math.min(taken[name] ?? 0, answers.length - 1);
      taken[name] = (taken[name] ?? 0) + 1;
      const answer = answers[n];
      if (answer.error !== undefined) throw Object.assign(new Error(answer.cause ?? ''), { name: answer.error });
      if (state.Resource.endsWith('.waitForTaskToken')) return answer.result;
      return { ExecutedVersion: '$LATEST', Payload: answer.result, StatusCode: 200 };
    };
  }
  return result;
}

// What can be compared of an event.
function event(e) {
  switch (e.type) {
    case 'StateEntered':
      return { what: 'entered', state: e.state.name, data: e.state.input };
    case 'StateExited':
      return { what: 'exited', state: e.state.name, data: e.state.output };
    case 'StateFailed':
      return { what: 'failed', state: e.state.name, error: e.Error };
    case 'StateRetried':
      return { what: 'retried', state: e.state.name };
    case 'StateCaught':
      return { what: 'caught', state: e.state.name };
    default:
      return undefined;
  }
}

// aws-local-stepfunctions looks a TimeoutSecondsPath up in what Parameters made. Step Functions looks it up in the
// state's input (Developer Guide, "Task workflow state": its example has both), so the other one gets a fixed time.
function withoutTimeoutPaths(definition) {
  const copy = structuredClone(definition);
  for (const state of Object.values(copy.States)) {
    if (state.TimeoutSecondsPath !== undefined) {
      delete state.TimeoutSecondsPath;
      state.TimeoutSeconds = 3600;
    }
  }
  return copy;
}

const checked = new Map();

// The problems of a definition; validating it takes longer than running it.
function problems(definition) {
  const text = JSON.stringify(definition);
  if (!checked.has(text)) {
    const { isValid, errorsText } = validate(definition, { checkPaths: true, checkArn: true });
    checked.set(text, isValid ? [] : [errorsText('\n')]);
  }
  return checked.get(text);
}

async function run(one) {
  const out = { problems: problems(one.definition), calls: [], events: [] };
  if (one.validateOnly || out.problems.length > 0) return out;
  const names = Object.keys(one.definition.States);
  const now = Object.fromEntries(names.map((name) => [name, 0]));
  const machine = new StateMachine(withoutTimeoutPaths(one.definition), { validationOptions: { noValidate: true } });
  const execution = machine.run(one.input, {
    overrides: { taskResourceLocalHandlers: handlers(one, out), waitTimeOverrides: now, retryIntervalOverrides: now },
    context: one.context,
  });
  const logged = (async () => {
    for await (const e of execution.eventLogs) {
      if (e.type === 'ExecutionFailed') Object.assign(out, { error: e.Error, cause: String(e.Cause ?? '') });
      const seen = event(e);
      if (seen) out.events.push(seen);
    }
  })();
  try {
    out.output = await execution.result;
    out.status = 'SUCCEEDED';
  } catch {
    out.status = 'FAILED';
  }
  await logged;
  return out;
}

const results = [];
for (const one of cases) results.push(await run(one));
process.stdout.write(JSON.stringify(results));
