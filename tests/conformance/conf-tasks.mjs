// A server of 2025-11-25 with the tools that the suite asks for in its scenarios about tasks of 2026-07-28: what
// stands between makes the one of the other. Made with SDK v1; its store keeps results, and no errors of JSON-RPC.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { InMemoryTaskStore, InMemoryTaskMessageQueue } from '@modelcontextprotocol/sdk/experimental/tasks/stores/in-memory.js';
import { ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
const store = new InMemoryTaskStore();
const server = new McpServer({ name: 'tasks-2025', version: '1' }, {
  capabilities: { tools: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } },
  taskStore: store, taskMessageQueue: new InMemoryTaskMessageQueue() });
const text = (value, more = {}) => ({ content: [{ type: 'text', text: value }], ...more });
server.registerTool('greet', { inputSchema: { name: z.string() } }, ({ name }) => text(`Hello, ${name}!`));
function task(name, inputSchema, taskSupport, run) {
  server.experimental.tasks.registerToolTask(name, { inputSchema, execution: { taskSupport } }, {
    createTask: async (args, extra) => {
      const made = await extra.taskStore.createTask({ ttl: 300000, pollInterval: 200 });
      (async () => { // what has been cancelled meanwhile stores nothing
        const [status, result] = await run(args, extra, made.taskId);
        if (result !== undefined) await extra.taskStore.storeTaskResult(made.taskId, status, result);
        else await extra.taskStore.updateTaskStatus(made.taskId, status); // there is nothing to be had
      })().catch(() => undefined);
      return { task: made };
    },
    getTask: async (args, extra) => extra.taskStore.getTask(extra.taskId),
    getTaskResult: async (args, extra) => extra.taskStore.getTaskResult(extra.taskId),
  });
}
const sleep = (s) => new Promise((done) => setTimeout(done, s * 1000));
task('slow_compute', { seconds: z.number(), label: z.string().optional() }, 'optional', async ({ seconds }) => {
  await sleep(seconds);
  return ['completed', text('done')];
});
task('failing_job', {}, 'required', async () => ['failed', text('it failed', { isError: true })]);
task('protocol_error_job', {}, 'required', async () => ['failed']);
async function elicit(extra, taskId, message) {
  await extra.taskStore.updateTaskStatus(taskId, 'input_required');
  const requestedSchema = { type: 'object', properties: { confirm: { type: 'boolean' } } };
  return extra.sendRequest({ method: 'elicitation/create', params: { message, requestedSchema } },
    ElicitResultSchema, { relatedTask: { taskId } });
}
task('confirm_delete', { filename: z.string() }, 'optional', async ({ filename }, extra, id) => {
  const answer = await elicit(extra, id, `delete ${filename}?`);
  await extra.taskStore.updateTaskStatus(id, 'working');
  return ['completed', text(`${answer.action} ${filename}`)];
});
task('multi_input', {}, 'optional', async (args, extra, id) => {
  const answers = await Promise.all([elicit(extra, id, 'a?'), elicit(extra, id, 'b?')]);
  await extra.taskStore.updateTaskStatus(id, 'working');
  return ['completed', text(answers.map((a) => a.action).join())];
});
await server.connect(new StdioServerTransport());
