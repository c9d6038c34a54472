#include "cli/verbs.h"

#include <string.h>

#include "base/attr.h"
#include "cli/task_options.h"

#define OPTIONS(array) .options = (array), .option_count = MCPZ_ARRAY_LEN(array)

const struct mcpz_option mcpz_common_options[MCPZ_COMMON_OPTION_COUNT] = {
    {"data", '\0', "DIR", "where the node keeps its data and its socket (MCPZ_DATA, ./var)"},
    {"json", '\0', NULL, "write one JSON document to standard output"},
    {"help", 'h', NULL, "show this help"},
};

static const struct mcpz_option up_options[] = {
    {"config", '\0', "FILE", "read this YAML file (MCPZ_CONFIG, DIR/mcpz.yaml)"},
    {"listen", '\0', "HOST:PORT",
     "where other nodes reach this one (127.0.0.1:8765); none: dial out only"},
    {"advertise", '\0', "HOST:PORT", "what other nodes dial, if that is not what we listen on"},
    {"api", '\0', "HOST:PORT", "where HTTP and MCP are served (127.0.0.1:8000, if free), or none"},
    {"bootstrap", '\0', "URL", "a node to find the mesh through; may be repeated"},
    {"join", '\0', "TOKEN", "join the mesh of this token; - reads it from standard input"},
    {"name", '\0', "NAME", "what people call this node (the host's name)"},
    {"region", '\0', "REGION", "where it stands"},
    {"zone", '\0', "ZONE", "where it stands within the region"},
    {"role", '\0', "ROLE", "what it is for; may be repeated"},
    {"provide", '\0', "NAME=COMMAND", "do tasks of this type by running COMMAND; repeatable"},
    {"isolation", '\0', "HOW",
     "of providers that do not say: strict, degraded (the default), none"},
    {"ephemeral", '\0', NULL,
     "keep nothing: a temporary directory instead of DIR, gone at the end"},
};

static const struct mcpz_option join_options[] = {
    {"timeout", '\0', "TIME", "how long to wait for an answer, e.g. 30s (the default)"},
};

static const struct mcpz_option token_create_options[] = {
    {"ttl", '\0', "TIME", "how long it works, e.g. 30m, 1h (the default), 7d"},
    {"uses", '\0', "N", "how many nodes may join with it (1)"},
    {"role", '\0', "ROLE", "role of the nodes that join; coordinator may admit others"},
    {"quiet", 'q', NULL, "print the token and nothing else"},
};

static const struct mcpz_option peers_options[] = {
    {"state", '\0', "STATES", "only peers that are so: alive, suspect, dead, left; with commas"},
    {"view", '\0', "VIEWS", "only peers in these views: active, passive, none; with commas"},
};

static const struct mcpz_option history_options[] = {
    {"limit", '\0', "N", "so many writes at most (100)"},
};

static const struct mcpz_option events_options[] = {
    {"follow", '\0', NULL, "go on until Ctrl-C (the default)"},
    {"no-follow", '\0', NULL, "show what the node has kept, and end"},
    {"since", '\0', "SEQ", "only what came after the event of this \"seq\""},
    {"type", '\0', "TYPES", "only events of these types, with commas: dead,suspect"},
};

static const struct mcpz_option mcp_add_options[] = {
    {"env", '\0', "NAME=VALUE", "a variable of its environment; may be repeated"},
    {"cwd", '\0', "DIR", "where it starts (a directory of its own)"},
    {"isolation", '\0', "HOW", "none (the default), degraded or strict: see README.md"},
    {"url", '\0', "URL", "it runs elsewhere, and is there (Streamable HTTP)"},
    {"header", '\0', "NAME:VALUE", "sent to URL with all requests; may be repeated"},
    {"ca", '\0', "FILE", "who vouches for URL, instead of those the system trusts"},
    {"stateless", '\0', NULL, "any process of it, at any node, can take any request"},
    {"shared", '\0', NULL, "one process for all clients, not one for each session"},
};

static const struct mcpz_option mcp_tools_options[] = {
    {"server", '\0', "NAME", "only of this server, by the names it gives them"},
};

static const struct mcpz_option mcp_config_options[] = {
    {"client", '\0', "CLIENT", "claude, cursor, vscode or generic (the default)"},
    {"server", '\0', "NAME", "only this server, by the names it gives its tools"},
    {"name", '\0', "NAME", "what it is called there (mesh, or the server's name)"},
    {"http", '\0', NULL, "by URL: the node must serve HTTP on a port"},
    {"stdio", '\0', NULL, "as a command that the client starts"},
};

static const struct mcpz_option mcp_call_options[] = {
    {"params", '\0', "JSON", "its arguments, an object"},
    {"server", '\0', "NAME", "of this server, by the name it gives it"},
};

static const struct mcpz_option task_run_options[] = {
    {"input", '\0', "FILE", "bytes for the task's standard input; - is ours"},
    {"isolation", '\0', "HOW",
     "only where it is done so isolated: strict, or degraded and better"},
    MCPZ_TASK_OPTIONS};

static const struct mcpz_option layout_stage_options[] = {
    {"auto", '\0', NULL, "all nodes whose configuration has the role storage"},
    {"remove", '\0', NULL, "the NODEs go, instead of coming"},
    {"weight", '\0', "N", "the share of each NODE beside others', 1 to 64"},
    {"zone", '\0', "ZONE", "of each NODE; its own if it is not given"},
    {"copies", '\0', "N", "of each agent, 1 to 7 (3)"},
    {"zones-apart", '\0', "N", "so many of them in zones of their own"},
};

static const struct mcpz_option layout_apply_options[] = {
    {"wait", '\0', NULL, "until everything has moved"},
    {"timeout", '\0', "TIME", "for that, e.g. 1h (10m)"},
};

static const struct mcpz_option agent_write_options[] = {
    {"ack", '\0', "LEVEL", "on how many disks it is to be: async (one), one, quorum or all"},
    {"timeout", '\0', "TIME", "for that: then the status is 5, and the write stays (5s)"},
};

static const struct mcpz_option drain_options[] = {
    {"timeout", '\0', "TIME", "for what runs to end, e.g. 5m (30s)"},
    {"cancel", '\0', NULL, "serve again"},
};

static const struct mcpz_option pool_create_options[] = {
    {"size", '\0', "N", "how many workers (1)"},
    {"plugin", '\0', "NAME", "told to each worker before its first task; may be repeated"},
    {"warm", '\0', NULL, "start them now, not when they are leased"},
    {"isolation", '\0', "HOW", "strict, degraded (the default), none"},
};

static const struct mcpz_option pool_lease_options[] = {
    {"ttl", '\0', "TIME", "when the lease ends unless it is renewed, e.g. 30s, 1m (the default)"},
};

static const struct mcpz_option pool_execute_options[] = {
    {"params", '\0', "JSON", "parameters"},
    {"timeout", '\0', "TIME", "give up after so long, e.g. 500ms, 30s (the default), 5m"},
};

static const struct mcpz_option task_submit_options[] = {
    MCPZ_TASK_OPTIONS{"input", '\0', "FILE",
                      "bytes for its standard input, 32 KiB at most; - is ours"},
    {"attempts", '\0', "N", "how often it may fail before it is a dead letter (5)"},
    {"backoff", '\0', "TIME", "before the second attempt, at most; doubles (1s)"},
    {"ttl", '\0', "TIME", "do not begin it any more after that (24h)"},
    {"copies", '\0', "N", "2: refuse it unless another node has it on disk, too"},
    {"retry-failed", '\0', NULL, "try again also what the provider says has failed"},
    {"batch", '\0', "FILE", "one task a line, as JSON; - is standard input"},
};

static const struct mcpz_option task_wait_options[] = {
    {"timeout", '\0', "TIME", "wait no longer, e.g. 30s, 5m; 1h is the default"},
};

static const struct mcpz_option task_list_options[] = {
    {"state", '\0', "STATE",
     "only tasks that are so: queued, running, done, dead, cancelled, moved"},
    {"type", '\0', "TYPE", "only tasks of this type"},
    {"limit", '\0', "N", "at most so many (100)"},
    {"here", '\0', NULL, "what this node knows, and ask no other"},
};

static const struct mcpz_option dlq_list_options[] = {
    {"type", '\0', "TYPE", "only tasks of this type"},
    {"limit", '\0', "N", "at most so many (100)"},
    {"here", '\0', NULL, "what this node knows, and ask no other"},
};

static const struct mcpz_option dlq_all_options[] = {
    {"all", '\0', NULL, "every dead letter of the mesh"},
};

static const struct mcpz_option blob_options[] = {
    {"tenant", '\0', "TENANT", "whose it is (default)"},
};

static const struct mcpz_option blob_get_options[] = {
    {"tenant", '\0', "TENANT", "whose it is (default)"},
    {"range", '\0', "RANGE", "only these bytes: FIRST-LAST, FIRST- or -COUNT"},
};

static const struct mcpz_option snapshot_export_options[] = {
    {"agent", '\0', "ID", "only this agent"},
};

static const struct mcpz_option agent_apply_options[] = {
    {"batch", '\0', "N", "so many lines go to the disk together: 1 to 5000 (500)"},
    {"rate", '\0', "N", "so many lines a second, at most"},
    {"stop", '\0', NULL, "end with the batch in which a line is refused"},
    {"again", '\0', NULL, "begin at the first line, whatever was done before"},
};

static const struct mcpz_option backup_create_options[] = {
    {"rate", '\0', "BYTES", "read so many a second at most: 500k, 20M, 1G (as fast as it goes)"},
};

static const struct mcpz_option backup_restore_options[] = {
    {"force", '\0', NULL, "put away what is in the data directory, in before-restore-N"},
};

static const struct mcpz_option bench_options[] = {
    {"agents", '\0', "N", "so many callers, each with one operation at a time (100)"},
    {"operations", '\0', "N", "so many in all (1000)"},
    {"concurrent", '\0', "N", "so many under way at a time, at most 2048 (20)"},
    {"bytes", '\0', "N", "size of what is asked and answered, at most 32768 (128)"},
    {"timeout", '\0', "TIME", "of one operation, e.g. 30s (the default)"},
    {"mesh", '\0', NULL, "three nodes of its own, also if a node runs here"},
};

static const struct mcpz_option doctor_options[] = {
    {"config", '\0', "FILE", "this YAML file (MCPZ_CONFIG, DIR/mcpz.yaml)"},
};

static const struct mcpz_option config_options[] = {
    {"config", '\0', "FILE", "this YAML file (MCPZ_CONFIG, DIR/mcpz.yaml)"},
};

static const struct mcpz_option config_show_options[] = {
    {"config", '\0', "FILE", "this YAML file (MCPZ_CONFIG, DIR/mcpz.yaml)"},
    {"origin", '\0', NULL, "say for each value where it came from"},
};

/* clang-format off */
const struct mcpz_verb mcpz_verbs[MCPZ_VERB_COUNT] = {
[MCPZ_VERB_UP] = {
    MCPZ_VERB_UP, "up", "", 0, 0, "run a node in the foreground",
    "Without any option it makes an identity and a mesh of its own in ./var, listens on\n"
    "this machine only, and prints how others join. Stop it with Ctrl-C or SIGTERM;\n"
    "SIGHUP reads the configuration again. With --json, one line goes to standard\n"
    "output when the node is ready.\n"
    "\n"
    "Examples:\n"
    "  mcpz up\n"
    "  mcpz up --listen 0.0.0.0:8765 --name attic\n"
    "  mcpz up --join mcpz1-... --provide hash.sha256='sha256sum | cut -c1-64'\n",
    OPTIONS(up_options)},
[MCPZ_VERB_JOIN] = {
    MCPZ_VERB_JOIN, "join", "[TOKEN|-]", 0, 1, "make the running node join another mesh",
    "The token comes from \"mcpz token create\" on a node of that mesh: as argument, from\n"
    "standard input (-), from MCPZ_JOIN_TOKEN, or from the file MCPZ_JOIN_TOKEN_FILE names.\n"
    "An argument can be seen by other users of this machine while the command runs.\n"
    "\n"
    "Examples:\n"
    "  mcpz join mcpz1-...\n"
    "  ssh attic mcpz token create -q | mcpz join -\n",
    OPTIONS(join_options)},
[MCPZ_VERB_LEAVE] = {
    MCPZ_VERB_LEAVE, "leave", "", 0, 0, "say goodbye to the mesh and forget it",
    "Agents stay in this node's store. It is without a mesh until it joins one, or is\n"
    "restarted and makes one of its own.\n"
    "\n"
    "Example:\n"
    "  mcpz leave\n",
    NULL, 0},
[MCPZ_VERB_DRAIN] = {
    MCPZ_VERB_DRAIN, "drain", "", 0, 0, "stop the running node without anybody missing it",
    "It offers nothing any more, waits until the others know, refuses what comes so that\n"
    "it goes elsewhere at once, finishes what is under way, and ends. No task fails of it\n"
    "that another node can do. --cancel takes it back as long as the node is there.\n"
    "\n"
    "Examples:\n"
    "  mcpz drain\n"
    "  mcpz drain --timeout 10m\n"
    "  mcpz drain --cancel\n",
    OPTIONS(drain_options)},
[MCPZ_VERB_TOKEN_CREATE] = {
    MCPZ_VERB_TOKEN_CREATE, "token create", "", 0, 0, "make a token that lets others join",
    "Prints the token and the command to run on the other machine. It is shown only once;\n"
    "treat it like a password.\n"
    "\n"
    "Examples:\n"
    "  mcpz token create\n"
    "  mcpz token create --ttl 7d --uses 10 --role compute\n"
    "  mcpz token create -q > token.txt\n",
    OPTIONS(token_create_options)},
[MCPZ_VERB_TOKEN_LIST] = {
    MCPZ_VERB_TOKEN_LIST, "token list", "", 0, 0, "list the tokens this node gave out",
    "Shows their ids, never the tokens themselves.\n"
    "\n"
    "Example:\n"
    "  mcpz token list\n",
    NULL, 0},
[MCPZ_VERB_TOKEN_REVOKE] = {
    MCPZ_VERB_TOKEN_REVOKE, "token revoke", "ID", 1, 1, "make a token worthless",
    "ID is shown by \"mcpz token list\". Nodes that joined with the token stay.\n"
    "\n"
    "Example:\n"
    "  mcpz token revoke 9f86d081884c7d65\n",
    NULL, 0},
[MCPZ_VERB_TOKEN_INSPECT] = {
    MCPZ_VERB_TOKEN_INSPECT, "token inspect", "[TOKEN|-]", 0, 1,
    "show what a token says, without its secret",
    "Needs no node. Whether the token was revoked or used up only its mesh knows.\n"
    "\n"
    "Example:\n"
    "  mcpz token inspect - < token.txt\n",
    NULL, 0},
[MCPZ_VERB_STATUS] = {
    MCPZ_VERB_STATUS, "status", "", 0, 0, "show how the node is",
    "What is wrong, if anything, stands at the bottom under \"health\".\n"
    "\n"
    "Examples:\n"
    "  mcpz status\n"
    "  mcpz status --json --data /var/lib/mcpz\n",
    NULL, 0},
[MCPZ_VERB_PEERS] = {
    MCPZ_VERB_PEERS, "peers", "", 0, 0, "list the other nodes of the mesh",
    "VIEW is active for peers this node is linked with, which then have a round-trip time\n"
    "(RTT, in ms); passive for those it keeps in reserve. SINCE is when the state became\n"
    "what it is, REASON why a peer is suspect, and for whom.\n"
    "\n"
    "Examples:\n"
    "  mcpz peers\n"
    "  mcpz peers --state suspect,dead\n"
    "  mcpz peers --view active --json\n",
    OPTIONS(peers_options)},
[MCPZ_VERB_EVENTS] = {
    MCPZ_VERB_EVENTS, "events", "", 0, 0, "follow what becomes of the other nodes",
    "One line an event, first those the node has kept (the last 1024), then each as it\n"
    "comes. Times are UTC. The types, as this node sees them:\n"
    "\n"
    "  linked, unlinked              there is a connection to the peer; there no longer is\n"
    "  alive, suspect, dead, left    it answers; is silent; was for too long; said goodbye\n"
    "  refuted                       this node was called suspect or dead, and said no\n"
    "  capabilities                  what the peer offers has changed\n"
    "  neighbour_up, neighbour_down  the overlay counts on the connection; no longer\n"
    "  agent_forked                  a node has contradicted itself: mcpz agent forks\n"
    "  layout, layout_settled        another layout of the storage is known; all has moved\n"
    "  store_repaired                this node's store was damaged, and was begun anew\n"
    "  snapshot_failed               this node could not make a backup by itself\n"
    "  lost                          events are missing here, as many as \"count\" says\n"
    "\n"
    "With --json each event is an object on a line of its own. Its \"seq\" is what --since\n"
    "takes to go on where one left off, also after the node was started again. Ctrl-C ends\n"
    "it with status 0; if the node stops, the status is 4.\n"
    "\n"
    "Examples:\n"
    "  mcpz events\n"
    "  mcpz events --type suspect,dead --no-follow\n"
    "  mcpz events --json --since 1763694245124 | jq -r .name\n",
    OPTIONS(events_options)},
[MCPZ_VERB_CAPABILITIES] = {
    MCPZ_VERB_CAPABILITIES, "capabilities", "", 0, 0, "list what the mesh can do, and who",
    "Each is a task type for \"mcpz task run\".\n"
    "\n"
    "Example:\n"
    "  mcpz capabilities\n",
    NULL, 0},
[MCPZ_VERB_RULES_LIST] = {
    MCPZ_VERB_RULES_LIST, "rules list", "", 0, 0, "list who is to do which tasks",
    "FROM is mesh for rules set with \"mcpz rules set\", config for those of this node's\n"
    "configuration. What no rule matches goes to the least loaded node that offers it.\n"
    "\n"
    "Example:\n"
    "  mcpz rules list\n",
    NULL, 0},
[MCPZ_VERB_RULES_SET] = {
    MCPZ_VERB_RULES_SET, "rules set", "PATTERN RULE", 2, 2, "say who is to do which tasks",
    "It holds at every node of the mesh, and after restarts. PATTERN is the name of a\n"
    "capability, or its beginning and *; the most specific one holds. RULE is a strategy,\n"
    "whom it is about, and what else is to hold, in one argument:\n"
    "\n"
    "  balanced        the least loaded: what holds without a rule\n"
    "  weighted        in turn, as often as the weights say: big=3 small\n"
    "  round-robin     in turn\n"
    "  least-loaded    the one with the fewest calls under way\n"
    "  failover        the first of those named that can\n"
    "  dedicated       those named, and nobody else\n"
    "  isolated        as dedicated, and those named do nothing else\n"
    "\n"
    "Named are nodes by name or id, role:NAME, zone:NAME; where any are, only these serve.\n"
    "priority=100, 75, 50 or 25 is for tasks that bring none; max=N is how many calls one\n"
    "node may have under way.\n"
    "\n"
    "Examples:\n"
    "  mcpz rules set 'memory.*' 'failover attic cellar'\n"
    "  mcpz rules set render 'weighted big=3 small priority=75'\n"
    "  mcpz rules set 'train.*' 'isolated role:gpu max=10'\n",
    NULL, 0},
[MCPZ_VERB_RULES_REMOVE] = {
    MCPZ_VERB_RULES_REMOVE, "rules remove", "PATTERN", 1, 1, "take a rule back",
    "At every node of the mesh. PATTERN is as \"mcpz rules list\" shows it.\n"
    "\n"
    "Example:\n"
    "  mcpz rules remove 'memory.*'\n",
    NULL, 0},
[MCPZ_VERB_RULES_EXPLAIN] = {
    MCPZ_VERB_RULES_EXPLAIN, "rules explain", "TYPE", 1, 1,
    "show who would do a task of this type, and why",
    "In the order in which this node would choose now, the first first: by the rule that\n"
    "matches, what each says of its load, where it is, and what came of calls to it.\n"
    "\n"
    "Examples:\n"
    "  mcpz rules explain hash.sha256\n"
    "  mcpz rules explain memory.read --json | jq -r '.providers[0].name'\n",
    NULL, 0},
[MCPZ_VERB_LAYOUT_SHOW] = {
    MCPZ_VERB_LAYOUT_SHOW, "layout show", "", 0, 0, "show which nodes keep agents",
    "Without a layout every node keeps every agent. With one, the nodes it names do: each\n"
    "agent is in one of 65536 partitions, and each partition is kept by some of them. While\n"
    "a change is under way it shows who has come how far.\n"
    "\n"
    "Example:\n"
    "  mcpz layout show\n",
    NULL, 0},
[MCPZ_VERB_LAYOUT_STAGE] = {
    MCPZ_VERB_LAYOUT_STAGE, "layout stage", "[NODE]...", 0, MCPZ_VERB_ARGUMENTS_MAX,
    "prepare a change of who keeps agents",
    "Nothing changes until it is applied; more can be staged until then. NODE is a name or\n"
    "an id, or its beginning, as \"mcpz peers\" shows them. With --auto all nodes come whose\n"
    "configuration names the role storage, or storage:8 for eight times the share.\n"
    "It is done where the mesh's key is, from any node.\n"
    "\n"
    "Examples:\n"
    "  mcpz layout stage attic cellar garage\n"
    "  mcpz layout stage --auto --copies 3\n"
    "  mcpz layout stage attic --weight 4 --zone west\n"
    "  mcpz layout stage cellar --remove\n",
    OPTIONS(layout_stage_options)},
[MCPZ_VERB_LAYOUT_PLAN] = {
    MCPZ_VERB_LAYOUT_PLAN, "layout plan", "", 0, 0, "show what the staged change comes to",
    "How many partitions each node then has, and how many go from where to where.\n"
    "\n"
    "Example:\n"
    "  mcpz layout plan\n",
    NULL, 0},
[MCPZ_VERB_LAYOUT_APPLY] = {
    MCPZ_VERB_LAYOUT_APPLY, "layout apply", "", 0, 0, "make the staged change",
    "It is signed with the mesh's key and told to all nodes. Agents are kept in both places\n"
    "until all nodes have what is theirs; writes go on. A node that is down holds this up,\n"
    "and nothing is lost by waiting: \"mcpz layout skip\" if it will not come back.\n"
    "\n"
    "Example:\n"
    "  mcpz layout apply --wait\n",
    OPTIONS(layout_apply_options)},
[MCPZ_VERB_LAYOUT_REVERT] = {
    MCPZ_VERB_LAYOUT_REVERT, "layout revert", "", 0, 0, "forget the staged change",
    "What was applied stays: to undo that, stage the opposite and apply it.\n"
    "\n"
    "Example:\n"
    "  mcpz layout revert\n",
    NULL, 0},
[MCPZ_VERB_LAYOUT_SKIP] = {
    MCPZ_VERB_LAYOUT_SKIP, "layout skip", "NODE", 1, 1, "wait no longer for a node that is gone",
    "For one that will not come back: what only it had is lost. Remove it from the layout as\n"
    "well, or it is waited for again with the next change.\n"
    "\n"
    "Example:\n"
    "  mcpz layout skip cellar\n",
    NULL, 0},
[MCPZ_VERB_TASK_RUN] = {
    MCPZ_VERB_TASK_RUN, "task run", "TYPE", 1, 1, "have a task done by a node that can",
    "The result goes to standard output as it is and as it comes, also while input is read;\n"
    "errors go to standard error.\n"
    "With --json: state, provider, result, error, elapsed_ms, attempts. Ctrl-C cancels.\n"
    "Said within a task, it inherits what is left of that one's time, its priority, tenant\n"
    "and trace (MCPZ_DEADLINE_MS, MCPZ_PRIORITY, MCPZ_TENANT, MCPZ_TRACEPARENT).\n"
    "\n"
    "Examples:\n"
    "  mcpz task run hash.sha256 --input photo.jpg\n"
    "  mcpz task run text.words --params '{\"text\": \"one two\"}' --timeout 5s\n"
    "  tar c src | mcpz task run build --input - --json\n",
    OPTIONS(task_run_options)},
[MCPZ_VERB_POOL_CREATE] = {
    MCPZ_VERB_POOL_CREATE, "pool create", "NAME -- COMMAND", 2, MCPZ_VERB_ARGUMENTS_MAX,
    "keep workers ready for programs of this machine",
    "COMMAND is run by the shell and speaks lines of JSON, as a provider in mode worker does\n"
    "(README, \"Workers\"). The pool is gone when the node ends; those under \"pools\" in the\n"
    "configuration are made again at each start.\n"
    "\n"
    "Example:\n"
    "  mcpz pool create shouts --size 4 --plugin exclaim --warm -- /opt/shout.py\n",
    OPTIONS(pool_create_options)},
[MCPZ_VERB_POOL_LIST] = {
    MCPZ_VERB_POOL_LIST, "pool list", "", 0, 0, "list this node's agent pools",
    "\n"
    "Example:\n"
    "  mcpz pool list\n",
    NULL, 0},
[MCPZ_VERB_POOL_LEASE] = {
    MCPZ_VERB_POOL_LEASE, "pool lease", "NAME", 1, 1, "have a worker of a pool to oneself",
    "Prints the lease. When it ends, given back or not renewed, its worker goes with all it\n"
    "had, and a fresh one takes its place.\n"
    "\n"
    "Example:\n"
    "  lease=$(mcpz pool lease shouts --ttl 5m)\n",
    OPTIONS(pool_lease_options)},
[MCPZ_VERB_POOL_RENEW] = {
    MCPZ_VERB_POOL_RENEW, "pool renew", "LEASE", 1, 1, "let a lease go on",
    "It ends --ttl from now.\n"
    "\n"
    "Example:\n"
    "  mcpz pool renew $lease --ttl 5m\n",
    OPTIONS(pool_lease_options)},
[MCPZ_VERB_POOL_EXECUTE] = {
    MCPZ_VERB_POOL_EXECUTE, "pool execute", "LEASE TYPE", 2, 2,
    "have the leased worker do something",
    "The result goes to standard output, errors to standard error.\n"
    "\n"
    "Example:\n"
    "  mcpz pool execute $lease text.shout --params '{\"text\": \"hello\"}'\n",
    OPTIONS(pool_execute_options)},
[MCPZ_VERB_POOL_RELEASE] = {
    MCPZ_VERB_POOL_RELEASE, "pool release", "LEASE", 1, 1, "give a leased worker back",
    "\n"
    "Example:\n"
    "  mcpz pool release $lease\n",
    NULL, 0},
[MCPZ_VERB_POOL_REMOVE] = {
    MCPZ_VERB_POOL_REMOVE, "pool remove", "NAME", 1, 1, "end a pool and its leases",
    "\n"
    "Example:\n"
    "  mcpz pool remove shouts\n",
    NULL, 0},
[MCPZ_VERB_TASK_SUBMIT] = {
    MCPZ_VERB_TASK_SUBMIT, "task submit", "[TYPE]", 0, 1, "have a task done without waiting for it",
    "Prints the task's id when it is on disk here and at one more node: from then on it is\n"
    "done, or ends up as a dead letter, whoever crashes. Without another node it says so.\n"
    "With --idempotency-key the same key is the same task, and it is done once.\n"
    "\n"
    "A provider may split such a task, by giving a plan of subtasks instead of a result:\n"
    "it writes JSON like {\"subtasks\": [{\"type\": \"a\"}, {\"type\": \"b\"}]} to the descriptor\n"
    "MCPZ_PLAN_FD. README.md has the rest, examples/subtasks a task that does so.\n"
    "\n"
    "Examples:\n"
    "  mcpz task submit report.monthly --params '{\"month\": \"2026-10\"}'\n"
    "  mcpz task submit charge --params @order.json --idempotency-key order-4711\n"
    "  mcpz task submit --batch tasks.ndjson\n",
    OPTIONS(task_submit_options)},
[MCPZ_VERB_TASK_STATUS] = {
    MCPZ_VERB_TASK_STATUS, "task status", "ID", 1, 1, "show what has become of a submitted task",
    "Wherever in the mesh it is: any node finds its owner, or who keeps a copy.\n"
    "Of one that was split also what was made of it, all the way down.\n"
    "\n"
    "Example:\n"
    "  mcpz task status t-019a...\n",
    NULL, 0},
[MCPZ_VERB_TASK_WAIT] = {
    MCPZ_VERB_TASK_WAIT, "task wait", "ID", 1, 1, "wait until a submitted task is over",
    "Then as `task run`: the result on standard output, or why there is none.\n"
    "\n"
    "Example:\n"
    "  mcpz task wait t-019a... --timeout 5m\n",
    OPTIONS(task_wait_options)},
[MCPZ_VERB_TASK_CANCEL] = {
    MCPZ_VERB_TASK_CANCEL, "task cancel", "ID", 1, 1, "stop a submitted task",
    "Also where it is being done. Any node finds its owner, who does it; where that one is gone,\n"
    "as soon as another one has taken over. All that is below one that was split goes too.\n"
    "\n"
    "Example:\n"
    "  mcpz task cancel t-019a...\n",
    NULL, 0},
[MCPZ_VERB_TASK_LIST] = {
    MCPZ_VERB_TASK_LIST, "task list", "", 0, 0, "list the submitted tasks of the mesh",
    "The oldest first, as their owners say, or who keeps a copy where an owner does not answer.\n"
    "What is over is kept for an hour, unless tasks.retention_seconds says otherwise.\n"
    "\n"
    "Examples:\n"
    "  mcpz task list --state queued\n"
    "  mcpz task list --type charge --json\n",
    OPTIONS(task_list_options)},
[MCPZ_VERB_TASK_RUNS] = {
    MCPZ_VERB_TASK_RUNS, "task runs", "", 0, 0, "list what this node has done under keys",
    "As a provider, of submitted tasks with an idempotency key: who asks again for one of these\n"
    "is told what came of it, and nothing is done. Kept for an hour.\n"
    "\n"
    "Example:\n"
    "  mcpz task runs\n",
    NULL, 0},
[MCPZ_VERB_QUEUE_LIST] = {
    MCPZ_VERB_QUEUE_LIST, "queue list", "", 0, 0, "list the queues of submitted tasks",
    "One for each type of task that was submitted, with what waits and runs at all nodes that\n"
    "can be asked.\n"
    "\n"
    "Example:\n"
    "  mcpz queue list\n",
    NULL, 0},
[MCPZ_VERB_QUEUE_PAUSE] = {
    MCPZ_VERB_QUEUE_PAUSE, "queue pause", "TYPE", 1, 1, "begin no more tasks of a queue",
    "At all nodes of the mesh, also over restarts; what is under way goes on.\n"
    "\n"
    "Example:\n"
    "  mcpz queue pause charge\n",
    NULL, 0},
[MCPZ_VERB_QUEUE_RESUME] = {
    MCPZ_VERB_QUEUE_RESUME, "queue resume", "TYPE", 1, 1, "go on with a queue that was paused",
    "\n"
    "Example:\n"
    "  mcpz queue resume charge\n",
    NULL, 0},
[MCPZ_VERB_DLQ_LIST] = {
    MCPZ_VERB_DLQ_LIST, "dlq list", "", 0, 0, "list the tasks that were given up",
    "Dead letters: no attempt was left, or none would have ended otherwise.\n"
    "\n"
    "Example:\n"
    "  mcpz dlq list\n",
    OPTIONS(dlq_list_options)},
[MCPZ_VERB_DLQ_SHOW] = {
    MCPZ_VERB_DLQ_SHOW, "dlq show", "ID", 1, 1, "show why a task was given up",
    "With the history of its attempts.\n"
    "\n"
    "Example:\n"
    "  mcpz dlq show t-019a...\n",
    NULL, 0},
[MCPZ_VERB_DLQ_REPLAY] = {
    MCPZ_VERB_DLQ_REPLAY, "dlq replay", "[ID]", 0, 1, "try a task that was given up again",
    "With as many attempts and as much time as it had at first.\n"
    "\n"
    "Examples:\n"
    "  mcpz dlq replay t-019a...\n"
    "  mcpz dlq replay --all\n",
    OPTIONS(dlq_all_options)},
[MCPZ_VERB_DLQ_PURGE] = {
    MCPZ_VERB_DLQ_PURGE, "dlq purge", "[ID]", 0, 1, "forget a task that was given up",
    "\n"
    "Examples:\n"
    "  mcpz dlq purge t-019a...\n"
    "  mcpz dlq purge --all\n",
    OPTIONS(dlq_all_options)},
[MCPZ_VERB_MCP_LIST] = {
    MCPZ_VERB_MCP_LIST, "mcp list", "", 0, 0, "list the MCP servers of the mesh",
    "NODES host them. HERE is how it is with those that this node hosts: starting, ready,\n"
    "failed and so on; ERA which kind of MCP they speak.\n"
    "\n"
    "Example:\n"
    "  mcpz mcp list\n",
    NULL, 0},
[MCPZ_VERB_MCP_ADD] = {
    MCPZ_VERB_MCP_ADD, "mcp add", "NAME [COMMAND [ARGUMENT]...]", 1, MCPZ_VERB_ARGUMENTS_MAX,
    "make this node host an MCP server",
    "At once, and after restarts. Its tools, resources and prompts are then seen at every node\n"
    "of the mesh, at /mcp and as it is at /mcp/NAME. Put -- before a COMMAND with options.\n"
    "One that runs elsewhere has a --url instead. The last word of a header's VALUE may be\n"
    "env:VARIABLE (of the node) or file:PATH: that is looked up whenever it is begun with.\n"
    "\n"
    "Examples:\n"
    "  mcpz mcp add search --url https://tools.example.com/mcp \\\n"
    "      --header 'Authorization: Bearer file:/run/secrets/search'\n"
    "  mcpz mcp add memory -- npx -y @modelcontextprotocol/server-memory\n"
    "  mcpz mcp add files --cwd /srv -- npx -y @modelcontextprotocol/server-filesystem /srv\n",
    OPTIONS(mcp_add_options)},
[MCPZ_VERB_MCP_REMOVE] = {
    MCPZ_VERB_MCP_REMOVE, "mcp remove", "NAME", 1, 1, "host an MCP server no longer",
    "One that was added by \"mcpz mcp add\" at this node. What it was doing is given up.\n"
    "\n"
    "Example:\n"
    "  mcpz mcp remove memory\n",
    NULL, 0},
[MCPZ_VERB_MCP_TOOLS] = {
    MCPZ_VERB_MCP_TOOLS, "mcp tools", "", 0, 0, "list the tools of all MCP servers",
    "As clients at this node's /mcp see them. With --json as the servers describe them, schemas\n"
    "and all.\n"
    "\n"
    "Examples:\n"
    "  mcpz mcp tools\n"
    "  mcpz mcp tools --server memory --json | jq '.[].inputSchema'\n",
    OPTIONS(mcp_tools_options)},
[MCPZ_VERB_MCP_CALL] = {
    MCPZ_VERB_MCP_CALL, "mcp call", "TOOL", 1, 1, "call a tool of an MCP server",
    "Text that it answers goes to standard output. Exit status 1: the tool says that it failed.\n"
    "A tool that has questions to its client finds that this one answers none.\n"
    "\n"
    "Examples:\n"
    "  mcpz mcp call read_text_file --params '{\"path\": \"/srv/a\"}'\n"
    "  mcpz mcp call echo --server everything --params '{\"message\": \"hi\"}'\n",
    OPTIONS(mcp_call_options)},
[MCPZ_VERB_MCP_INSPECT] = {
    MCPZ_VERB_MCP_INSPECT, "mcp inspect", "NAME", 1, 1, "show all that an MCP server says of itself",
    "Name, version, capabilities, instructions, and its lists, wherever it is hosted.\n"
    "\n"
    "Example:\n"
    "  mcpz mcp inspect memory\n",
    NULL, 0},
[MCPZ_VERB_MCP_STDIO] = {
    MCPZ_VERB_MCP_STDIO, "mcp stdio", "", 0, 0, "speak MCP on standard input and output",
    "For clients that start their servers as commands: the mesh's tools, or with --server those\n"
    "of one server as it is. Ends with standard input. In a client's configuration:\n"
    "\n"
    "  {\"mcpServers\": {\"mesh\": {\"command\": \"mcpz\",\n"
    "    \"args\": [\"mcp\", \"stdio\", \"--data\", \"/var/lib/mcpz\"]}}}\n"
    "\n"
    "Example:\n"
    "  claude mcp add mesh -- mcpz mcp stdio --data /var/lib/mcpz\n",
    OPTIONS(mcp_tools_options)},
[MCPZ_VERB_MCP_CONFIG] = {
    MCPZ_VERB_MCP_CONFIG, "mcp config", "", 0, 0, "print what to paste into a client of MCP",
    "Standard output gets what the client's configuration takes, standard error where that is.\n"
    "Over HTTP where the client can and the node serves it, else as a command: \"mcp stdio\".\n"
    "Where the node wants a key the client is told where to find it: in MCPZ_API_KEY, or VS\n"
    "Code asks for it. The key itself is never written.\n"
    "\n"
    "Examples:\n"
    "  mcpz mcp config --client claude             # claude_desktop_config.json, .mcp.json\n"
    "  eval \"$(mcpz mcp config --client claude --http)\"   # Claude Code\n"
    "  mcpz mcp config --client cursor > ~/.cursor/mcp.json\n"
    "  mcpz mcp config --client vscode --server memory > .vscode/mcp.json\n",
    OPTIONS(mcp_config_options)},
[MCPZ_VERB_AGENT_CREATE] = {
    MCPZ_VERB_AGENT_CREATE, "agent create", "ID", 1, 1, "make an agent",
    "Its state is kept by every node of the mesh, or by those of the layout. Fails if it\n"
    "exists.\n"
    "\n"
    "Example:\n"
    "  mcpz agent create planner\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_LIST] = {
    MCPZ_VERB_AGENT_LIST, "agent list", "", 0, 0, "list the agents",
    "\n"
    "Example:\n"
    "  mcpz agent list\n",
    NULL, 0},
[MCPZ_VERB_AGENT_GET] = {
    MCPZ_VERB_AGENT_GET, "agent get", "ID", 1, 1, "show an agent's state",
    "With --json also its root hash: two nodes with the same root hold the same state.\n"
    "\n"
    "Example:\n"
    "  mcpz agent get planner\n",
    NULL, 0},
[MCPZ_VERB_AGENT_SET] = {
    MCPZ_VERB_AGENT_SET, "agent set", "ID PATH JSON", 3, 3, "write a value",
    "PATH is \"a.b.c\", or a JSON pointer \"/a/b.c\" for names with dots. Of writes made at\n"
    "the same time on both sides of a split mesh, the last one stays.\n"
    "\n"
    "Examples:\n"
    "  mcpz agent set planner goal '\"paint the fence\"'\n"
    "  mcpz agent set planner limits.money 20\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_UNSET] = {
    MCPZ_VERB_AGENT_UNSET, "agent unset", "ID PATH", 2, 2, "remove all at and below a path",
    "Values, sets and counters alike.\n"
    "\n"
    "Example:\n"
    "  mcpz agent unset planner limits\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_ADD] = {
    MCPZ_VERB_AGENT_ADD, "agent add", "ID PATH JSON", 3, 3, "put an element into a set",
    "An element added on one side of a split mesh while it is removed on the other stays.\n"
    "\n"
    "Example:\n"
    "  mcpz agent add planner tags '\"garden\"'\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_REMOVE] = {
    MCPZ_VERB_AGENT_REMOVE, "agent remove", "ID PATH JSON", 3, 3,
    "take an element out of a set",
    "\n"
    "Example:\n"
    "  mcpz agent remove planner tags '\"garden\"'\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_INCREMENT] = {
    MCPZ_VERB_AGENT_INCREMENT, "agent increment", "ID PATH N", 3, 3, "add to a counter",
    "N is a whole number, also a negative one. Increments made anywhere all count.\n"
    "\n"
    "Examples:\n"
    "  mcpz agent increment planner steps 1\n"
    "  mcpz agent increment planner steps -3\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_KEEP] = {
    MCPZ_VERB_AGENT_KEEP, "agent keep", "ID PATH JSON", 3, 3, "write a value beside those of others",
    "Of values written at the same time on both sides of a split mesh, all stay, and are shown as\n"
    "{\"$values\": [...]}; the next write, which has seen them, replaces them.\n"
    "\n"
    "Example:\n"
    "  mcpz agent keep planner mood '\"calm\"'\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_FENCE] = {
    MCPZ_VERB_AGENT_FENCE, "agent fence", "ID PATH EPOCH JSON [RANK]", 4, 5, "write a value that a stale writer cannot undo",
    "The greatest EPOCH wins, then the greatest RANK (0 to 255, 0 if it is not given), then the last\n"
    "write. An epoch that is over is refused, here and after a split.\n"
    "\n"
    "Example:\n"
    "  mcpz agent fence planner owner 7 '\"n-...\"'\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_LIFE] = {
    MCPZ_VERB_AGENT_LIFE, "agent life", "ID STATE", 2, 2, "say where an agent is in its life",
    "STATE is provisioning, active, idle, maintenance or decommissioned, which has the last word.\n"
    "\n"
    "Example:\n"
    "  mcpz agent life planner idle\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_ENABLE] = {
    MCPZ_VERB_AGENT_ENABLE, "agent enable", "ID PATH", 2, 2, "set a flag",
    "A flag enabled on one side of a split mesh while it is disabled on the other stays.\n"
    "\n"
    "Example:\n"
    "  mcpz agent enable planner flags.careful\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_DISABLE] = {
    MCPZ_VERB_AGENT_DISABLE, "agent disable", "ID PATH", 2, 2, "remove a flag",
    "\n"
    "Example:\n"
    "  mcpz agent disable planner flags.careful\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_GRANT] = {
    MCPZ_VERB_AGENT_GRANT, "agent grant", "ID PATH N [NODE]", 3, 4, "make a budget larger, or give some of it away",
    "A budget is spent on any node without asking others, and never more than there is. N more can\n"
    "be spent at this node; with NODE, N of what can be spent here can be spent there instead.\n"
    "\n"
    "Examples:\n"
    "  mcpz agent grant planner budget 100\n"
    "  mcpz agent grant planner budget 40 n-...\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_SPEND] = {
    MCPZ_VERB_AGENT_SPEND, "agent spend", "ID PATH N", 3, 3, "spend some of a budget",
    "Fails if so much is not to be spent at this node.\n"
    "\n"
    "Example:\n"
    "  mcpz agent spend planner budget 25\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_PUSH] = {
    MCPZ_VERB_AGENT_PUSH, "agent push", "ID PATH JSON", 3, 3, "put an element behind a list",
    "\n"
    "Example:\n"
    "  mcpz agent push planner steps '\"buy paint\"'\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_INSERT] = {
    MCPZ_VERB_AGENT_INSERT, "agent insert", "ID PATH INDEX JSON", 4, 4, "put an element into a list",
    "INDEX is where it then stands, from 0, as this node sees the list.\n"
    "\n"
    "Example:\n"
    "  mcpz agent insert planner steps 0 '\"get up\"'\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_MOVE] = {
    MCPZ_VERB_AGENT_MOVE, "agent move", "ID PATH FROM TO", 4, 4, "move an element of a list",
    "\n"
    "Example:\n"
    "  mcpz agent move planner steps 2 0\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_DROP] = {
    MCPZ_VERB_AGENT_DROP, "agent drop", "ID PATH INDEX", 3, 3, "take an element out of a list",
    "\n"
    "Example:\n"
    "  mcpz agent drop planner steps 1\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_MAP] = {
    MCPZ_VERB_AGENT_MAP, "agent map", "ID PATH", 2, 2, "make an empty map",
    "A map is there as long as something is in it; this one is there without.\n"
    "\n"
    "Example:\n"
    "  mcpz agent map planner notes\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_CONFLICTS] = {
    MCPZ_VERB_AGENT_CONFLICTS, "agent conflicts", "ID", 1, 1, "show what an agent holds and does not show",
    "Where one path holds several types, or several values written at the same time.\n"
    "\n"
    "Example:\n"
    "  mcpz agent conflicts planner\n",
    NULL, 0},
[MCPZ_VERB_AGENT_FORKS] = {
    MCPZ_VERB_AGENT_FORKS, "agent forks", "[ID]", 0, 1, "show which nodes have contradicted themselves",
    "A node that has signed two different writes of one place in an agent: what it wrote there from\n"
    "that place on does not count, whatever the others have seen of it. It happens by itself where\n"
    "a whole machine was set back and wrote before anybody noticed; such a node goes on under a new\n"
    "generation. Otherwise somebody has its key.\n"
    "\n"
    "Example:\n"
    "  mcpz agent forks\n"
    "  mcpz agent forks planner --json\n",
    NULL, 0},
[MCPZ_VERB_AGENT_HISTORY] = {
    MCPZ_VERB_AGENT_HISTORY, "agent history", "ID", 1, 1, "show what was written to an agent",
    "Oldest first, the last 100 unless --limit says more: when, by which node, what went (-) and\n"
    "what came (+).\n"
    "\n"
    "Example:\n"
    "  mcpz agent history planner --limit 10\n",
    OPTIONS(history_options)},
[MCPZ_VERB_AGENT_AT] = {
    MCPZ_VERB_AGENT_AT, "agent at", "ID TIME", 2, 2, "show what an agent was",
    "TIME is 2026-11-30T09:15:00Z, or how long ago: 10m. What counts are the clocks of those who\n"
    "wrote.\n"
    "\n"
    "Examples:\n"
    "  mcpz agent at planner 10m\n"
    "  mcpz agent at planner 2026-11-30T09:15:00Z\n",
    NULL, 0},
[MCPZ_VERB_AGENT_DIFF] = {
    MCPZ_VERB_AGENT_DIFF, "agent diff", "ID TIME [TIME]", 2, 3, "show what has changed since",
    "Between two times, or from one until now: what was (-) and what is (+) at each path.\n"
    "\n"
    "Example:\n"
    "  mcpz agent diff planner 1h\n",
    NULL, 0},
[MCPZ_VERB_AGENT_WATCH] = {
    MCPZ_VERB_AGENT_WATCH, "agent watch", "ID", 1, 1, "follow what is written to an agent",
    "Each write as it becomes known here: when, by which node, and where. Ends with Ctrl-C.\n"
    "\n"
    "Example:\n"
    "  mcpz agent watch planner\n",
    NULL, 0},
[MCPZ_VERB_AGENT_DELETE] = {
    MCPZ_VERB_AGENT_DELETE, "agent delete", "ID", 1, 1, "delete an agent everywhere",
    "\n"
    "Example:\n"
    "  mcpz agent delete planner\n",
    OPTIONS(agent_write_options)},
[MCPZ_VERB_AGENT_APPLY] = {
    MCPZ_VERB_AGENT_APPLY, "agent apply", "FILE|-", 1, 1, "create and write many agents",
    "FILE has one JSON object a line: \"op\" is create, delete, or a verb of mcpz agent, \"id\"\n"
    "the agent, and the rest what the verb takes. Lines are done in order. One that is refused\n"
    "is told as FILE:LINE, and those behind it are done; exit status 1 then. What is done is\n"
    "noted in FILE.applied, so the same command goes on where it was interrupted; of the batch\n"
    "under way then, increments and pushes may be done twice.\n"
    "\n"
    "Examples:\n"
    "  {\"op\": \"create\", \"id\": \"planner-1\"}\n"
    "  {\"op\": \"set\", \"id\": \"planner-1\", \"path\": \"role\", \"value\": \"planner\"}\n"
    "\n"
    "  mcpz agent apply fleet.ndjson --batch 200 --rate 2000\n",
    OPTIONS(agent_apply_options)},
[MCPZ_VERB_SNAPSHOT_LIST] = {
    MCPZ_VERB_SNAPSHOT_LIST, "snapshot list", "", 0, 0, "list the agents' snapshots here",
    "\n"
    "Example:\n"
    "  mcpz snapshot list\n",
    NULL, 0},
[MCPZ_VERB_SNAPSHOT_EXPORT] = {
    MCPZ_VERB_SNAPSHOT_EXPORT, "snapshot export", "[FILE|-]", 0, 1,
    "write agents to a file, history included",
    "Without FILE, or with -, to standard output. FILE appears whole or not at all.\n"
    "\n"
    "Examples:\n"
    "  mcpz snapshot export all.mcpz\n"
    "  mcpz snapshot export --agent planner | ssh attic mcpz snapshot import -\n",
    OPTIONS(snapshot_export_options)},
[MCPZ_VERB_SNAPSHOT_IMPORT] = {
    MCPZ_VERB_SNAPSHOT_IMPORT, "snapshot import", "FILE|-", 1, 1,
    "merge an exported file into the mesh",
    "The file is checked completely before anything of it is applied. What is known\n"
    "already does no harm.\n"
    "\n"
    "Example:\n"
    "  mcpz snapshot import all.mcpz\n",
    NULL, 0},
[MCPZ_VERB_BACKUP_CREATE] = {
    MCPZ_VERB_BACKUP_CREATE, "backup create", "FILE|DIR|-", 1, 1,
    "write all that this node keeps to one file, while it runs",
    "Records, blobs and keys as they are at one moment; a node that does not run is copied,\n"
    "too. FILE appears whole and checked, or not at all; in a DIR it is named after the time.\n"
    "Whoever has the file can be this node: keep it as you keep its keys.\n"
    "\n"
    "Examples:\n"
    "  mcpz backup create /mnt/attic/\n"
    "  mcpz backup create --rate 20M - | zstd | ssh attic 'cat > node.mcpzbackup.zst'\n",
    OPTIONS(backup_create_options)},
[MCPZ_VERB_BACKUP_VERIFY] = {
    MCPZ_VERB_BACKUP_VERIFY, "backup verify", "FILE|-", 1, 1, "check every byte of a backup",
    "Every digest, every page of its stores, every record, every part of a blob. Needs no\n"
    "node and no key. Exit status 1 if anything is wrong.\n"
    "\n"
    "Example:\n"
    "  mcpz backup verify node.mcpzbackup\n",
    NULL, 0},
[MCPZ_VERB_BACKUP_RESTORE] = {
    MCPZ_VERB_BACKUP_RESTORE, "backup restore", "FILE|-", 1, 1,
    "make a data directory of a backup",
    "Into --data, which must be empty and have no node running. All of it is checked before\n"
    "the directory is touched. The node that starts on it is the one that was backed up, but\n"
    "writes as a new writer, so that what others have seen since is not taken for its own.\n"
    "\n"
    "Example:\n"
    "  mcpz backup restore node.mcpzbackup --data /srv/mcpz && mcpz up --data /srv/mcpz\n",
    OPTIONS(backup_restore_options)},
[MCPZ_VERB_BACKUP_LIST] = {
    MCPZ_VERB_BACKUP_LIST, "backup list", "[DIR]", 0, 1, "list backups",
    "Of DIR, or those that the node made by itself (snapshots.every in mcpz.yaml), which lie\n"
    "in DATA/snapshots. Needs no node. They are not checked: see \"backup verify\".\n"
    "\n"
    "Example:\n"
    "  mcpz backup list /mnt/attic\n",
    NULL, 0},
[MCPZ_VERB_STORE_CHECK] = {
    MCPZ_VERB_STORE_CHECK, "store check", "", 0, 0, "check all that this node keeps",
    "Every page, every record, every part of a blob, while the node runs or not. Nothing is\n"
    "changed. Exit status 1 if anything is wrong.\n"
    "\n"
    "Example:\n"
    "  mcpz store check --data /srv/mcpz\n",
    NULL, 0},
[MCPZ_VERB_STORE_COMPACT] = {
    MCPZ_VERB_STORE_COMPACT, "store compact", "", 0, 0, "give back room that the store has free",
    "The node must not run: its store is written anew and takes the old one's place when it\n"
    "is whole. A node does so itself when it starts with store.compact: true.\n"
    "\n"
    "Example:\n"
    "  mcpz store compact --data /srv/mcpz\n",
    NULL, 0},
[MCPZ_VERB_STORE_REPAIR] = {
    MCPZ_VERB_STORE_REPAIR, "store repair", "", 0, 0, "save what can be saved of a damaged store",
    "The node must not run. Its store is set aside and begun anew with what can still be read;\n"
    "when the node starts, it merges the agents' deltas that were saved, and other nodes fill\n"
    "what is missing. A node does so itself when it starts and knows of other nodes; this is\n"
    "for one that is alone. What is well is left as it is.\n"
    "\n"
    "Example:\n"
    "  mcpz store repair --data /srv/mcpz && mcpz up --data /srv/mcpz\n",
    NULL, 0},
[MCPZ_VERB_BLOB_PUT] = {
    MCPZ_VERB_BLOB_PUT, "blob put", "FILE|-", 1, 1,
    "keep a file of any size, and print its name",
    "It is cut into chunks; those that are known are not kept again. All of it is compressed\n"
    "and encrypted under the tenant's key. The name follows from what it says: the same file\n"
    "has the same name, within a tenant. It is kept at this node; replication is to come.\n"
    "\n"
    "Examples:\n"
    "  mcpz blob put weights.bin\n"
    "  tar c notes | mcpz blob put -\n",
    OPTIONS(blob_options)},
[MCPZ_VERB_BLOB_GET] = {
    MCPZ_VERB_BLOB_GET, "blob get", "BLOB [FILE|-]", 1, 2,
    "write a blob, or a part of it, to a file",
    "Without FILE, or with -, to standard output. FILE appears whole or not at all.\n"
    "\n"
    "Examples:\n"
    "  mcpz blob get b-... weights.bin\n"
    "  mcpz blob get b-... --range 0-1023 > head\n",
    OPTIONS(blob_get_options)},
[MCPZ_VERB_BLOB_STAT] = {
    MCPZ_VERB_BLOB_STAT, "blob stat", "BLOB", 1, 1, "show how large a blob is and what it takes",
    "stored_bytes is what it added on the disk when it was put: chunks that were known before\n"
    "add nothing.\n"
    "\n"
    "Example:\n"
    "  mcpz blob stat b-...\n",
    OPTIONS(blob_options)},
[MCPZ_VERB_BLOB_LIST] = {
    MCPZ_VERB_BLOB_LIST, "blob list", "", 0, 0, "list the blobs of a tenant at this node",
    "\n"
    "Example:\n"
    "  mcpz blob list --tenant acme\n",
    OPTIONS(blob_options)},
[MCPZ_VERB_BLOB_REMOVE] = {
    MCPZ_VERB_BLOB_REMOVE, "blob remove", "BLOB", 1, 1, "keep a blob no longer",
    "Ten minutes later its room is free again, but for chunks that others have as well.\n"
    "Putting it again before that keeps it.\n"
    "\n"
    "Example:\n"
    "  mcpz blob remove b-...\n",
    OPTIONS(blob_options)},
[MCPZ_VERB_KEY_LIST] = {
    MCPZ_VERB_KEY_LIST, "key list", "", 0, 0, "show which tenants have a key at this node",
    "Also which node key wraps them, by a name that tells nothing of it.\n"
    "\n"
    "Example:\n"
    "  mcpz key list\n",
    NULL, 0},
[MCPZ_VERB_KEY_ROTATE] = {
    MCPZ_VERB_KEY_ROTATE, "key rotate", "", 0, 0, "change the node key",
    "Tenants' keys are wrapped anew; data stays as it is. A node key in the environment is\n"
    "changed by a start with the new one in MCPZ_NODE_KEY and the old one in\n"
    "MCPZ_NODE_KEY_OLD.\n"
    "\n"
    "Example:\n"
    "  mcpz key rotate\n",
    NULL, 0},
[MCPZ_VERB_KEY_SHRED] = {
    MCPZ_VERB_KEY_SHRED, "key shred", "TENANT", 1, 1, "make all a tenant has unreadable",
    "The tenant's keys at this node are forgotten, and the node key changed, so that remains\n"
    "of them are of no use. Nobody can undo this. Other nodes do the same when they hear of\n"
    "it, which is at once, or when they are back. What it keeps afterwards is kept anew.\n"
    "\n"
    "Example:\n"
    "  mcpz key shred acme\n",
    NULL, 0},
[MCPZ_VERB_BENCH] = {
    MCPZ_VERB_BENCH, "bench", "", 0, 0, "measure how fast calls are answered",
    "Calls bench.echo through the running node: whoever in the mesh offers it answers, or\n"
    "this command itself. Without a node it starts a mesh of three, with providers at two\n"
    "of them, and removes it afterwards. Exit status 1 if any operation failed. Also known\n"
    "as mcp-zero-benchmark.\n"
    "\n"
    "Examples:\n"
    "  mcpz bench\n"
    "  mcpz bench --mesh --operations 100000 --concurrent 64\n"
    "  mcp-zero-benchmark --agents=100 --operations=1000 --concurrent=20\n",
    OPTIONS(bench_options)},
[MCPZ_VERB_DOCTOR] = {
    MCPZ_VERB_DOCTOR, "doctor", "", 0, 0, "say what this machine can do, and what is wrong",
    "Needs no node; if one runs, its own view is added. Each line is ok, warn or fail, with\n"
    "what to do about it. Exit status 1 if something fails.\n"
    "\n"
    "Examples:\n"
    "  mcpz doctor\n"
    "  mcpz doctor --json | jq '.checks[] | select(.state != \"ok\")'\n",
    OPTIONS(doctor_options)},
[MCPZ_VERB_CONFIG_CHECK] = {
    MCPZ_VERB_CONFIG_CHECK, "config check", "", 0, 0, "check the configuration",
    "Needs no node. Exit status 3 and FILE:LINE on standard error if it is no good.\n"
    "\n"
    "Example:\n"
    "  mcpz config check --config mcpz.yaml\n",
    OPTIONS(config_options)},
[MCPZ_VERB_CONFIG_SHOW] = {
    MCPZ_VERB_CONFIG_SHOW, "config show", "", 0, 0, "show what a node would be told",
    "Needs no node. The environment goes over the file, the file over the defaults.\n"
    "Secrets are not shown.\n"
    "\n"
    "Example:\n"
    "  mcpz config show --origin\n",
    OPTIONS(config_show_options)},
[MCPZ_VERB_VERSION] = {
    MCPZ_VERB_VERSION, "version", "", 0, 0, "show the version of this program",
    "\n"
    "Example:\n"
    "  mcpz version --json\n",
    NULL, 0},
[MCPZ_VERB_HELP] = {
    MCPZ_VERB_HELP, "help", "[VERB]", 0, MCPZ_VERB_WORDS_MAX, "show help for a verb",
    "With --json, the whole table of verbs and options.\n"
    "\n"
    "Example:\n"
    "  mcpz help token create\n",
    NULL, 0},
};
/* clang-format on */

/* Is `name` exactly `first`, or `first second`? */
static bool is_called(const char *name, const char *first, const char *second)
{
    size_t length = strlen(first);

    if (strncmp(name, first, length) != 0) {
        return false;
    }
    if (name[length] == '\0') {
        return true;
    }
    return name[length] == ' ' && second != NULL && strcmp(name + length + 1, second) == 0;
}

const struct mcpz_verb *mcpz_verb_find(const char *first, const char *second)
{
    for (size_t i = 0; i < MCPZ_VERB_COUNT; i++) {
        if (is_called(mcpz_verbs[i].name, first, second)) {
            return &mcpz_verbs[i];
        }
    }
    return NULL;
}

bool mcpz_verb_is_family(const char *word)
{
    size_t length = strlen(word);

    for (size_t i = 0; i < MCPZ_VERB_COUNT; i++) {
        const char *name = mcpz_verbs[i].name;
        if (strncmp(name, word, length) == 0 && name[length] == ' ') {
            return true;
        }
    }
    return false;
}

const struct mcpz_option *mcpz_verb_option(const struct mcpz_verb *verb, const char *name)
{
    for (size_t i = 0; i < MCPZ_COMMON_OPTION_COUNT; i++) {
        if (strcmp(mcpz_common_options[i].name, name) == 0) {
            return &mcpz_common_options[i];
        }
    }
    for (size_t i = 0; i < verb->option_count; i++) {
        if (strcmp(verb->options[i].name, name) == 0) {
            return &verb->options[i];
        }
    }
    return NULL;
}

const struct mcpz_option *mcpz_verb_letter(const struct mcpz_verb *verb, char letter)
{
    for (size_t i = 0; i < MCPZ_COMMON_OPTION_COUNT; i++) {
        if (mcpz_common_options[i].letter == letter) {
            return &mcpz_common_options[i];
        }
    }
    for (size_t i = 0; i < verb->option_count; i++) {
        if (verb->options[i].letter == letter) {
            return &verb->options[i];
        }
    }
    return NULL;
}
