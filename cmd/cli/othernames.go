package cli

// otherNames are the words that people know from other supervisors (supervisorctl, pm2, docker compose, systemctl, runit), with
// what stands for them here.
func otherNames() map[string]string {
	return map[string]string{
		"ps": "service status", "ls": "service status", "list": "service status", "avail": "service status", "jlist": "service status --json",
		"pid": "service status", "ctl": "service status", "summary": "service status",
		"top": "service status --watch", "monit": "service status --watch", "watch": "service status --watch",
		"tail": "service logs", "log": "service logs", "fg": "service logs --follow", "attach": "service logs --follow", "follow": "service logs --follow",
		"journal": "events", "journalctl": "events", "describe": "why", "info": "why", "show": "why", "inspect": "why", "explain": "why",
		"update": "reload", "reread": "reload --dry-run", "plan": "reload --dry-run", "apply": "reload", "diff": "reload --dry-run",
		"kill": "service signal", "scale": "add-proc", "add": "add-proc", "remove": "remove-proc", "delete": "remove-proc", "rm": "remove-proc",
		"up": "start", "run": "start", "daemon": "start", "down": "shutdown", "quit": "shutdown", "exit": "shutdown", "halt": "shutdown",
		"validate": "check", "verify": "check", "test": "check", "lint": "check", "format": "fmt",
		"eval": "exec", "shell": "repl", "console": "repl", "convert": "import", "new": "init",
		"stats": "service usage", "printenv": "service env",
	}
}
