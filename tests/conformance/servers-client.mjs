// A client made with one of the official SDKs, that really uses the servers of test_servers.py.
// usage: node servers-client.mjs v1|v2|modern WHAT http URL
//        node servers-client.mjs v1|v2|modern WHAT stdio COMMAND ARGS...
// WHAT: "all", or the servers to use ("files,memory,..."): exit status 0 if all went as it should.
//       "watch": prints the names of tools whenever they change, until standard input ends.
//       "slow": begins a call that takes a minute, says so, prints what comes of it, and for every
//       line of standard input calls a tool and prints that.
//       "tasks-across": has tasks of a server of 2026-07-28 (v1 only).
//       "tasks": has a tool of each of two servers as a task, and reaches both (v1 only).
import assert from 'node:assert/strict';
import readline from 'node:readline';

const [sdk, what, transport, ...where] = process.argv.slice(2);
const capabilities = { sampling: {}, elicitation: {}, roots: { listChanged: true } };
const info = { name: `test-${sdk}`, version: '1' };
const say = (value) => console.log(JSON.stringify(value));
const asked = [];  // what the servers have asked us
const heard = [];  // what they have told us
const progress = [];  // of that, as it came

// ---- The two SDKs, made alike ----------------------------------------------------------------

async function makeV1() {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
  const T = await import('@modelcontextprotocol/sdk/types.js');
  const requests = { 'sampling/createMessage': T.CreateMessageRequestSchema,
                     'elicitation/create': T.ElicitRequestSchema, 'roots/list': T.ListRootsRequestSchema };
  const notifications = { 'notifications/tools/list_changed': T.ToolListChangedNotificationSchema,
                          'notifications/resources/updated': T.ResourceUpdatedNotificationSchema };
  const client = new Client(info, { capabilities });
  return {
    client,
    http: (url) => new StreamableHTTPClientTransport(new URL(url)),
    stdio: (command, args) => new StdioClientTransport({ command, args, stderr: 'inherit' }),
    answer: (method, handler) => client.setRequestHandler(requests[method], handler),
    hear: (method, handler) => client.setNotificationHandler(notifications[method], handler),
    call: (name, args, options) => client.callTool({ name, arguments: args }, undefined, options),
  };
}

async function makeV2() {
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
  const mode = sdk === 'modern' ? { pin: '2026-07-28' } : 'legacy';
  const client = new Client(info, { capabilities, versionNegotiation: { mode } });
  return {
    client,
    http: (url) => new StreamableHTTPClientTransport(new URL(url)),
    stdio: (command, args) => new StdioClientTransport({ command, args, stderr: 'inherit' }),
    answer: (method, handler) => client.setRequestHandler(method, handler),
    hear: (method, handler) => client.setNotificationHandler(method, handler),
    call: (name, args, options) => client.callTool({ name, arguments: args }, options),
  };
}

const made = sdk === 'v1' ? await makeV1() : await makeV2();
const { client, call } = made;
const isModern = sdk === 'modern';
const text = (result) => result.content.map((item) => item.text ?? '').join('\n');

async function until(what, condition) {
  for (let i = 0; i < 3000; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`did not come true: ${what}`);
}

async function connect() {
  made.answer('sampling/createMessage', (request) => {
    asked.push('sampling/createMessage');
    const said = request.params.messages[0].content.text ?? '';
    return { role: 'assistant', model: 'none', content: { type: 'text', text: `dreamt of ${said}` } };
  });
  made.answer('elicitation/create', (request) => {
    asked.push('elicitation/create');
    assert.ok(request.params.requestedSchema.properties.name, 'the schema came whole');
    return { action: 'accept', content: { name: 'Ada', check: true, integer: 7 } };
  });
  made.answer('roots/list', () => {
    asked.push('roots/list');
    return { roots: [] };
  });
  made.hear('notifications/tools/list_changed', () => { heard.push('tools/list_changed'); });
  made.hear('notifications/resources/updated', (message) => { heard.push(message.params.uri); });
  const wire = transport === 'http' ? made.http(where[0]) : made.stdio(where[0], where.slice(1));
  await client.connect(wire);
  const take = wire.onmessage;
  wire.onmessage = (message, extra) => {
    if (message.method === 'notifications/progress') progress.push(`${message.params.progress}/${message.params.total}`);
    take(message, extra);
  };
}

// ---- What is done with each server -------------------------------------------------------------

const has = async (name) => (await client.listTools()).tools.some((tool) => tool.name === name);

async function useFiles() {
  const listed = text(await call('list_allowed_directories', {}));
  const directory = listed.split('\n').at(-1);
  const path = `${directory}/${sdk}-${transport}-${process.pid}.txt`;
  const content = 'first line\nsecond “line” \u0001\n'.repeat(50);
  await call('write_file', { path, content });
  assert.equal(text(await call('read_text_file', { path })), content);
  await call('edit_file', { path, edits: [{ oldText: 'first line\nsecond', newText: 'changed\nsecond' }] });
  assert.match(text(await call('read_text_file', { path, head: 1 })), /^changed/);
  assert.match(text(await call('list_directory', { path: directory })), new RegExp(`${process.pid}`));
  const outside = await call('read_text_file', { path: '/etc/passwd' });
  assert.equal(outside.isError, true);
  assert.match(text(outside), /denied/i);
}

async function useMemory() {
  const name = `Ada-${sdk}-${transport}-${process.pid}`;
  await call('create_entities', { entities: [
    { name, entityType: 'person', observations: ['wrote the first program'] },
    { name: `${name}-engine`, entityType: 'machine', observations: [] }] });
  await call('create_relations', { relations: [{ from: name, to: `${name}-engine`, relationType: 'programs' }] });
  const graph = await call('read_graph', {});
  assert.ok(graph.structuredContent.entities.some((entity) => entity.name === name));
  assert.ok(graph.structuredContent.relations.some((relation) => relation.from === name));
  const found = await call('open_nodes', { names: [name] });
  assert.deepEqual(found.structuredContent.entities.map((entity) => entity.observations), [['wrote the first program']]);
  await call('delete_entities', { entityNames: [name, `${name}-engine`] });
  assert.ok(!text(await call('read_graph', {})).includes(name));
}

async function useThinking() {
  for (let i = 1; i <= 3; i++) {
    const result = await call('sequentialthinking', {
      thought: `step ${i}`, nextThoughtNeeded: i < 3, thoughtNumber: i, totalThoughts: 3 });
    assert.equal(result.structuredContent.thoughtNumber, i);
    assert.equal(result.structuredContent.thoughtHistoryLength >= i, true);
  }
}

async function askClients() {
  const sampled = text(await call('trigger-sampling-request', { prompt: 'sheep', maxTokens: 10 }));
  assert.match(sampled, /dreamt of .*sheep/);
  const elicited = text(await call('trigger-elicitation-request', {}));
  assert.match(elicited, /Ada/);
  assert.ok(asked.includes('sampling/createMessage') && asked.includes('elicitation/create'), asked.join());
}

async function useResources() {
  const { resources } = await client.listResources();
  assert.ok(resources.length > 0);
  const first = await client.readResource({ uri: resources[0].uri });
  assert.equal(first.contents[0].uri, resources[0].uri);
  const { resourceTemplates } = await client.listResourceTemplates();
  assert.ok(resourceTemplates.some((template) => template.uriTemplate === 'demo://resource/dynamic/text/{resourceId}'));
  const uri = 'demo://resource/dynamic/text/7';
  assert.match((await client.readResource({ uri })).contents[0].text, /^Resource 7/);
  assert.ok((await client.readResource({ uri: 'demo://resource/dynamic/blob/3' })).contents[0].blob.length > 0);
  await assert.rejects(client.readResource({ uri: 'demo://resource/there-is-none' }));
  if (!isModern) { // of the modern era: subscriptions/listen, below
    await client.subscribeResource({ uri });
    await call('toggle-subscriber-updates', {});
    await until('an update is heard', () => heard.includes(uri));
    await call('toggle-subscriber-updates', {});
    await client.unsubscribeResource({ uri });
  }
}

async function usePrompts() {
  const { prompts } = await client.listPrompts();
  assert.ok(prompts.some((prompt) => prompt.name === 'completable-prompt'));
  const got = await client.getPrompt({ name: 'completable-prompt', arguments: { department: 'Sales', name: 'Eve' } });
  assert.match(got.messages[0].content.text, /promote Eve .* Sales/);
  const ref = { type: 'ref/prompt', name: 'completable-prompt' };
  const departments = await client.complete({ ref, argument: { name: 'department', value: 'S' } });
  assert.deepEqual(departments.completion.values, ['Sales', 'Support']);
  const names = await client.complete({ ref, argument: { name: 'name', value: '' }, context: { arguments: { department: 'Sales' } } });
  assert.deepEqual(names.completion.values, ['David', 'Eve', 'Frank']);
  const ids = await client.complete({ ref: { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' },
                                      argument: { name: 'resourceId', value: '12' } });
  assert.deepEqual(ids.completion.values, ['12']);
}

async function useEverything() {
  assert.equal(text(await call('echo', { message: 'hé “llo” \u{1F600}' })), 'Echo: hé “llo” \u{1F600}');
  assert.match(text(await call('get-sum', { a: 19, b: 23 })), /is 42\./);
  assert.ok((await call('get-tiny-image', {})).content.some((item) => item.type === 'image' && item.data.length > 1000));
  const structured = await call('get-structured-content', { location: 'Chicago' });
  assert.ok(structured.structuredContent.temperature !== undefined);
  const links = await call('get-resource-links', { count: 3 });
  assert.equal(links.content.filter((item) => item.type === 'resource_link').length, 3);
  let told = 0;
  progress.length = 0;
  const slow = await call('trigger-long-running-operation', { duration: 0.3, steps: 3 }, { onprogress: () => told++ });
  assert.match(text(slow), /completed/);
  const all = ['1/3', '2/3', '3/3'];
  // While a modern client answers a question (for roots, here), there is no request to report on.
  assert.deepEqual(progress, isModern ? all.slice(-progress.length) : all);
  assert.ok(progress.includes('3/3') && told >= progress.length - 1); // SDKs drop one that comes with the response
  const many = await Promise.all([...Array(20).keys()].map((i) => call('echo', { message: `m${i}` })));
  many.forEach((result, i) => assert.equal(text(result), `Echo: m${i}`));
  const unknown = await call('no-such-tool', {}).then((result) => result.isError, () => true);
  assert.equal(unknown, true);
  await askClients();
  await useResources();
  await usePrompts();
}

const uses = { files: useFiles, memory: useMemory, thinking: useThinking, everything: useEverything };
const marks = { files: 'write_file', memory: 'create_entities', thinking: 'sequentialthinking', everything: 'echo' };

async function use(servers) {
  for (const server of Object.keys(uses)) {
    assert.equal(await has(marks[server]), servers.includes(server), `${server} is seen if it should be`);
  }
  for (const server of servers) {
    await uses[server]();
    say({ used: server });
  }
}

// ---- Watching, and waiting -------------------------------------------------------------------

async function watch() {
  const tell = async () => say({ tools: (await client.listTools()).tools.map((tool) => tool.name) });
  if (isModern) await client.listen({ toolsListChanged: true });
  made.hear('notifications/tools/list_changed', tell);
  await tell();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { name, args } = JSON.parse(line);
    say(await call(name, args).then((result) => ({ text: text(result), isError: result.isError === true }),
      (error) => ({ error: error.message })));
  }
}

async function slow() {
  const options = { onprogress: () => say({ progress: true }), timeout: 120000 };
  call('trigger-long-running-operation', { duration: 60, steps: 600 }, options)
    .then((result) => say({ text: text(result) }), (error) => say({ error: error.message, code: error.code, data: error.data }));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    say(await call('echo', { message: line }).then((result) => ({ text: text(result) }),
      (error) => ({ error: error.message, code: error.code, data: error.data })));
  }
}

// ---- Tasks of 2025-11-25, of two servers with the same tools --------------------------------------

const RELATED = 'io.modelcontextprotocol/related-task';

async function haveTasks() {
  const T = await import('@modelcontextprotocol/sdk/types.js');
  const { tasks } = client.experimental;
  const about = [];
  made.answer('elicitation/create', ({ params }) => {
    about.push(params._meta[RELATED].taskId);
    return { action: 'accept', content: { interpretation: 'technical' } };
  });
  const names = (await client.listTools()).tools.map((tool) => tool.name).filter((name) => name.endsWith('simulate-research-query'));
  assert.equal(names.length, 2);
  const ids = [];
  for (const name of names) {
    const request = { name, arguments: { topic: name, ambiguous: true } };
    for await (const said of tasks.callToolStream(request, T.CallToolResultSchema, { task: { ttl: 60000 } })) {
      if (said.type === 'taskCreated') ids.push(said.task.taskId);
      if (said.type === 'taskStatus') assert.equal(said.task.taskId, ids.at(-1));
      if (said.type === 'error') throw said.error;
      if (said.type !== 'result') continue;
      assert.ok(text(said.result).includes(name));
      assert.equal(said.result._meta[RELATED].taskId, ids.at(-1));
    }
  }
  assert.deepEqual(ids.map((id) => id.split(':')[0]).sort(), ['again', 'everything']);
  assert.deepEqual(about, ids); // each asked once
  const listed = [];
  let cursor;
  do {
    const page = await tasks.listTasks(cursor);
    listed.push(...page.tasks.map((task) => task.taskId));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  assert.deepEqual(listed, [...ids].sort());
  for (const name of names) {
    const params = { name, arguments: { topic: 'x' }, task: { ttl: 60000 } };
    const { task } = await client.request({ method: 'tools/call', params }, T.CreateTaskResultSchema);
    const over = await tasks.cancelTask(task.taskId);
    assert.deepEqual([over.taskId, over.status], [task.taskId, 'cancelled']);
    assert.equal((await tasks.getTask(task.taskId)).status, 'cancelled');
  }
  const own = ids[0].split(':')[1];
  for (const id of [own, `nobody:${own}`, `${ids[1].split(':')[0]}:${own}`]) {
    await assert.rejects(tasks.getTask(id), { code: -32602 });
  }
}

// Of a server of 2026-07-28 (tests/support/mcp_task_server.py), which decides what is a task.
async function haveTasksAcross() {
  const T = await import('@modelcontextprotocol/sdk/types.js');
  const { tasks } = client.experimental;
  const task = { ttl: 60000 };
  const about = [];
  made.answer('elicitation/create', ({ params }) => {
    about.push(params._meta?.[RELATED]?.taskId);
    return { action: 'accept', content: { name: 'you' } };
  });
  const have = async (name) => {
    const ids = [];
    let last;
    for await (last of tasks.callToolStream({ name, arguments: {} }, T.CallToolResultSchema, { task })) {
      if (last.type === 'taskCreated') ids.push(last.task.taskId);
    }
    assert.equal(ids.length, 1);
    return { id: ids[0], last };
  };
  const tools = Object.fromEntries((await client.listTools()).tools.map((tool) => [tool.name, tool]));
  assert.equal(tools.ask.execution.taskSupport, 'optional');
  assert.ok(client.getServerCapabilities().tasks.requests.tools.call);
  for (let i = 0; i < 4; i++) { // at either node
    const asked = await have('ask');
    assert.equal(text(asked.last.result), 'hello you');
    assert.equal(asked.last.result._meta[RELATED].taskId, asked.id);
    assert.equal(about.at(-1), asked.id);
    await assert.rejects(tasks.cancelTask(asked.id), { code: -32602 });
  }
  // What is answered at once is a task, too.
  const now = await have('now');
  assert.equal(text(now.last.result), 'at once');
  const failed = await have('fail');
  assert.equal(failed.last.type, 'error');
  await assert.rejects(tasks.getTaskResult(failed.id, T.CallToolResultSchema), /it has failed/);
  const params = { name: 'stuck', arguments: {}, task };
  const stuck = (await client.request({ method: 'tools/call', params }, T.CreateTaskResultSchema)).task;
  assert.equal((await tasks.getTask(stuck.taskId)).status, 'working');
  const over = await tasks.cancelTask(stuck.taskId);
  assert.deepEqual([over.taskId, over.status], [stuck.taskId, 'cancelled']);
  // Who wants no task gets the result, also where there is only a task to be had.
  assert.equal(text(await call('ask', {})), 'at once');
  assert.equal(text(await call('only', {})), 'done');
}

await connect();
if (what === 'tasks') await haveTasks();
else if (what === 'tasks-across') await haveTasksAcross();
else if (what === 'watch') await watch();
else if (what === 'slow') await slow();
else await use(what === 'all' ? Object.keys(uses) : what.split(','));
await client.close();
process.exit(0);
