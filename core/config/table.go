package config

import (
	"math"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
)

// The bounds that several keys share.
const (
	maxSeconds = 10 * 366 * 24 * 60 * 60 // ten years: a longer wait is a slip of the finger
	maxInt     = math.MaxInt32
	maxSize    = 1 << 50 // bytes: more than any disk holds is a slip of the finger too
)

// daemonKeys are the keys that stand before the first [[process]].
func daemonKeys() []Key {
	return []Key{
		{Name: "admin_sock", Type: Path, Default: "a socket below the runtime directory, when admin_listen is not given", Example: `"/var/run/supervisord.sock"`,
			Doc: "Unix socket on which commands are taken.", at: func(d *draft) any { return &d.settings.AdminSock }},
		{Name: "admin_group", Type: String, Example: `"ops"`,
			Doc: "Members of this group may use the socket too.", at: func(d *draft) any { return &d.settings.AdminGroup }},
		{Name: "admin_listen", Alias: "adminlisten", Type: Int, Example: "9001", max: 65535,
			Doc: "TCP port on which commands are taken; always asks for the token.", at: func(d *draft) any { return &d.settings.AdminListen }},
		{Name: "admin_bind_ip", Type: String, Default: `"127.0.0.1"`, Example: `"127.0.0.1"`,
			Doc: "Address of the port; beyond loopback only with TLS or admin_insecure.", at: func(d *draft) any { return &d.settings.AdminBindIP }},
		{Name: "admin_tls_cert", Type: Path, Example: `"tls/cert.pem"`,
			Doc: "Certificate chain for the port (PEM).", at: func(d *draft) any { return &d.settings.AdminTLSCert }},
		{Name: "admin_tls_key", Type: Path, Example: `"tls/key.pem"`,
			Doc: "Private key for the port (PEM).", at: func(d *draft) any { return &d.settings.AdminTLSKey }},
		{Name: "admin_insecure", Type: Bool, Default: "false", Example: "true",
			Doc: "Allow a port beyond loopback without TLS.", at: func(d *draft) any { return &d.settings.AdminInsecure }},
		{Name: "admin_hosts", Type: Strings, Example: `["build.example:9001"]`,
			Doc: "Further names under which clients may address the port.", at: func(d *draft) any { return &d.settings.AdminHosts }},
		{Name: "log", Type: Path, Default: "standard error; a file in the state directory when daemonized", Example: `"/var/log/supervisord/supervisord.log"`,
			Doc: "The daemon's own log.", at: func(d *draft) any { return &d.settings.Log }},
		{Name: "log_level", Type: Choice, Choices: []string{"debug", "info", "warn", "error"}, Default: `"info"`, Example: `"warn"`,
			Doc: "From which level on it is written.", at: func(d *draft) any { return &d.settings.LogLevel }},
		{Name: "log_format", Type: Choice, Choices: []string{"text", "json"}, Default: `"text"`, Example: `"json"`,
			Doc: "How it is written: lines for people, or JSON objects; a process has a log_format of its own.", at: func(d *draft) any { return &d.settings.LogFormat }},
		{Name: "daemonize", Type: Bool, Default: "false", Example: "true",
			Doc: "Run in the background.", at: func(d *draft) any { return &d.settings.Daemonize }},
		{Name: "exit_when_all_done", Type: Bool, Default: "false", Example: "true",
			Doc: "End when nothing is wanted up or waiting any more.", at: func(d *draft) any { return &d.settings.ExitWhenAllDone }},
		{Name: "exit_code_from", Type: String, Example: `"web"`,
			Doc: "End when this process has ended by itself and is not restarted, with its exit code (128+n for signal n). It is restarted only if its restart key says so.", at: func(d *draft) any { return &d.settings.ExitCodeFrom }},
		{Name: "init_script", Type: Path, Example: `"init.glisp"`,
			Doc: "Program that registers hooks; evaluated when the daemon is up, and by a reload when it changed.", at: func(d *draft) any { return &d.settings.InitScript }},
		{Name: "disable_rce", Type: Bool, Default: "false", Example: "true",
			Doc: "Refuse add-proc, exec and every program, for everyone.", at: func(d *draft) any { return &d.settings.DisableRCE }},
		{Name: "hide_args", Type: Bool, Default: "false", Example: "true",
			Doc: "Keep the daemon's own arguments out of the process list.", at: func(d *draft) any { return &d.settings.HideArgs }},
		{Name: "reap_zombie", Type: Bool, Default: "true", Example: "true",
			Doc: "Accepted for old files: strangers are always reaped where that is possible.", at: func(d *draft) any { return &d.settings.ReapZombie }},
		{Name: "cgroup", Type: Choice, Choices: []string{"auto", "off"}, Default: `"auto"`, Example: `"off"`,
			Doc: "Hold every process in a cgroup of its own where that is possible.", at: func(d *draft) any { return &d.settings.Cgroup }},
		{Name: "state_dir", Type: Path, Default: "below /var/lib/supervisord, or ~/.local/state/supervisord", Example: `"/var/lib/shop"`,
			Doc: "Where the daemon keeps its lock, token, audit log, logs and what add-proc added.", at: func(d *draft) any { return &d.settings.StateDir }},
	}
}

// processKeys are the keys of [[process]].
func processKeys() []Key {
	return []Key{
		{Name: "name", Process: true, Type: String, Default: "(required)", Example: `"web"`,
			Doc: "What it is called: letters, digits, _ . @ -, at most 64.", at: func(d *draft) any { return &d.spec.Name }},
		{Name: "command", Process: true, Type: String, Default: "(required)", Example: `"/usr/bin/python3"`,
			Doc: "The program; without / it is looked up in the PATH the process gets.", at: func(d *draft) any { return &d.spec.Launch.Command }},
		{Name: "args", Process: true, Type: Strings, Default: "[]", Example: `["-m", "http.server"]`,
			Doc: "Its arguments; no shell reads them.", at: func(d *draft) any { return &d.spec.Launch.Args }},
		{Name: "cwd", Process: true, Type: Path, Default: "the configuration file's folder; the caller's for start NAME and add-proc", Example: `"/srv/web"`,
			Doc: "Working directory.", at: func(d *draft) any { return &d.spec.Launch.Dir }},
		{Name: "env", Process: true, Type: Table, Default: "{}", Example: `{ PORT = "8080" }`,
			Doc: "Variables over the daemon's environment and env_file.", at: func(d *draft) any { return &d.env }},
		{Name: "env_file", Process: true, Type: Path, Example: `".env"`,
			Doc: "File of K=V lines; env wins over it.", at: func(d *draft) any { return &d.envFile }},
		{Name: "user", Process: true, Type: String, Default: "the daemon's", Example: `"nobody"`,
			Doc: "Name or number; with its supplementary groups, HOME and USER.", at: func(d *draft) any { return &d.spec.Launch.User }},
		{Name: "group", Process: true, Type: String, Default: "the user's", Example: `"nogroup"`,
			Doc: "Name or number.", at: func(d *draft) any { return &d.spec.Launch.Group }},
		{Name: "pid_file", Alias: "pid", Process: true, Type: Path, Example: `"/run/web.pid"`,
			Doc: "Holds the process's pid while it lives.", at: func(d *draft) any { return &d.spec.Launch.PIDFile }},

		{Name: "umask", Process: true, Type: Mode, Default: "the daemon's", Example: `"027"`,
			Doc: "Permissions that its new files do not get.", at: func(d *draft) any { return &d.spec.Launch.Limits.Umask }},
		{Name: "nice", Process: true, Type: Int, Default: "the daemon's", Example: "10", min: -20, max: 19,
			Doc: "Scheduling priority: -20 is served first, 19 last; below the daemon's own only root.", at: func(d *draft) any { return &d.spec.Launch.Limits.Nice }},
		{Name: "oom_score_adj", Process: true, Type: Int, Default: "the daemon's", Example: "500", min: -1000, max: 1000,
			Doc: "Who is killed first when memory is short: 1000; never: -1000.", at: func(d *draft) any { return &d.spec.Launch.Limits.OOMScoreAdj }},
		{Name: "rlimits", Process: true, Type: Table, Default: "the daemon's", Example: `{ nofile = "4096", core = "0:unlimited" }`,
			Doc: "Limits of one process as in prlimit(1): N, SOFT:HARD or unlimited.", at: func(d *draft) any { return &d.spec.Launch.Limits.Rlimits }},
		{Name: "memory_max", Process: true, Type: Size, Default: "0, no limit", Example: `"512M"`, none: true,
			Doc: "Memory that it and all its descendants may use together; needs the memory controller of cgroups.", at: func(d *draft) any { return &d.spec.Launch.Limits.MemoryMax }},
		{Name: "pids_max", Process: true, Type: Int, Default: "0, no limit", Example: "100", max: maxInt, none: true,
			Doc: "Processes and threads that it may come to; needs the pids controller.", at: func(d *draft) any { return &d.spec.Launch.Limits.PIDsMax }},
		{Name: "cpu_max", Process: true, Type: Number, Default: "0, no limit", Example: "1.5", max: 4096, none: true,
			Doc: "Processors that it may keep busy, as a number such as 0.5; needs the cpu controller.", at: func(d *draft) any { return &d.spec.Launch.Limits.CPUMax }},

		{Name: "autostart", Process: true, Type: Bool, Default: "true", Example: "false",
			Doc: "Start it with the daemon and when a reload brings it.", at: func(d *draft) any { return &d.spec.Care.Autostart }},
		{Name: "priority", Process: true, Type: Int, Default: "0", Example: "10", min: -maxInt, max: maxInt,
			Doc: "Lower starts first and stops last.", at: func(d *draft) any { return &d.spec.Care.Priority }},
		{Name: "restart", Process: true, Type: Choice, Choices: core.RestartPolicies(), Default: `"on-failure"`, Example: `"always"`,
			Doc: "After which exits it is started again.", at: func(d *draft) any { return &d.spec.Care.Restart }},
		{Name: "exit_codes", Alias: "exitcodes", Process: true, Type: Ints, Default: "[0]", Example: "[0, 2]", max: maxExitCode,
			Doc: "The expected exit codes: with one of them it is done, not failed.", at: func(d *draft) any { return &d.spec.Care.ExitCodes }},
		{Name: "omit_exit_code", Process: true, Type: Bool, Default: "false", Example: "true",
			Doc: "Every exit counts as expected.", at: func(d *draft) any { return &d.spec.Care.OmitExitCode }},
		{Name: "start_secs", Process: true, Type: Duration, Default: "0", Example: "2", max: maxSeconds,
			Doc: "A life shorter than this was no start, unless it ended as expected.", at: func(d *draft) any { return &d.spec.Care.StartGrace }},
		{Name: "max_restarts", Process: true, Type: Int, Default: "-1, no limit", Example: "5", min: -1, max: maxInt,
			Doc: "Give up (fatal) after this many restarts within restart_window.", at: func(d *draft) any { return &d.spec.Care.MaxRestarts }},
		{Name: "restart_window", Process: true, Type: Duration, Default: "60", Example: `"10m"`, max: maxSeconds,
			Doc: "The time within which max_restarts counts; 0 counts since it was last asked to start.", at: func(d *draft) any { return &d.spec.Care.RestartWindow }},
		{Name: "restart_delay", Process: true, Type: Duration, Default: `"10ms"`, Example: `"1s"`, max: maxSeconds,
			Doc: "Wait before the first restart, doubled with each failure; 0 never waits.", at: func(d *draft) any { return &d.spec.Care.RestartDelay }},
		{Name: "restart_delay_max", Process: true, Type: Duration, Default: "60", Example: `"30s"`, max: maxSeconds,
			Doc: "The longest such wait.", at: func(d *draft) any { return &d.spec.Care.RestartDelayMax }},
		{Name: "restart_jitter", Process: true, Type: Number, Default: "0.1", Example: "0.25", max: 1,
			Doc: "Part (0 to 1) by which a wait is shortened at random.", at: func(d *draft) any { return &d.spec.Care.RestartJitter }},
		{Name: "stop_signal", Alias: "stopsig", Process: true, Type: Signal, Default: `"TERM"`, Example: `"INT"`,
			Doc: "The polite signal, by name or number.", at: func(d *draft) any { return &d.spec.Care.StopSignal }},
		{Name: "stop_command", Process: true, Type: Strings, Default: "[]", Example: `["/usr/sbin/nginx", "-s", "quit"]`,
			Doc: "Program and arguments run after the signal, with SUPERVISOR_PID in its environment, for what heeds no signal; it ends with the process.", at: func(d *draft) any { return &d.spec.Care.StopCommand }},
		{Name: "stop_wait_secs", Process: true, Type: Duration, Default: "10", Example: "30", max: maxSeconds,
			Doc: "Wait this long after both before KILL.", at: func(d *draft) any { return &d.spec.Care.StopWait }},
		{Name: "kill_wait_secs", Process: true, Type: Duration, Default: "5", Example: "5", max: maxSeconds,
			Doc: "After KILL, wait this long before saying what is left and trying again.", at: func(d *draft) any { return &d.spec.Care.KillWait }},
		{Name: "stop_mode", Process: true, Type: Choice, Choices: child.Scopes(), Default: `"tree"`, Example: `"group"`,
			Doc: "What a stop reaches: all descendants, the process group, the process alone.", at: func(d *draft) any { return &d.spec.Care.StopMode }},

		{Name: "stdout", Process: true, Type: Paths, Default: `["/dev/stdout"]; a file in the state directory when daemonized`, Example: `["/var/log/web.out"]`,
			Doc: "Files that get its output; [] discards it.", at: func(d *draft) any { return &d.spec.Output.Stdout }},
		{Name: "stderr", Process: true, Type: Paths, Default: `["/dev/stderr"]; a file in the state directory when daemonized`, Example: `["/var/log/web.err"]`,
			Doc: "Files that get its errors; [] discards them.", at: func(d *draft) any { return &d.spec.Output.Stderr }},
		{Name: "std_log_size", Process: true, Type: Size, Default: `"100M"`, Example: `"10M"`,
			Doc: "Rotate a file at this size (K, M, G); 0 never.", at: func(d *draft) any { return &d.spec.Output.Size }},
		{Name: "std_log_count", Process: true, Type: Int, Default: "10", Example: "3", max: 100000,
			Doc: "Old files kept beside the active one.", at: func(d *draft) any { return &d.spec.Output.Count }},
		{Name: "std_log_age", Process: true, Type: Duration, Default: "0, any", Example: `"30d"`, max: maxSeconds,
			Doc: "Remove old files this long after their last line came.", at: func(d *draft) any { return &d.spec.Output.Age }},
		{Name: "std_log_total", Process: true, Type: Size, Default: "0, any", Example: `"1G"`,
			Doc: "Remove the oldest files so that all of one stream, the active one at its full size, take no more than this.", at: func(d *draft) any { return &d.spec.Output.Total }},
		{Name: "std_log_compress", Process: true, Type: Bool, Default: "false", Example: "true",
			Doc: "Compress old files with gzip.", at: func(d *draft) any { return &d.spec.Output.Compress }},
		{Name: "log_format", Process: true, Type: Choice, Choices: logs.Formats(), Default: `"raw"`, Example: `"json"`,
			Doc: "How lines stand in the files: byte for byte, with the process's name, with the time (UTC), with both, or as JSON objects.", at: func(d *draft) any { return &d.spec.Output.Format }},
		{Name: "purge_files", Process: true, Type: Paths, Default: "[]", Example: `["/srv/web/cache.db"]`,
			Doc: "Files that shutdown --clear removes besides the logs.", at: func(d *draft) any { return &d.spec.Care.PurgeFiles }},
	}
}
