// Package cli is the command line: one file a command. A command reads its
// flags, calls package app and writes words for people.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"postroom"
	"postroom/internal/app"
	"postroom/internal/config"
)

// Exit codes. Those above 63 are sysexits(3)'s, which mail servers know.
const (
	exitOK        = 0
	exitFailed    = 1
	exitWrong     = 2  // the command line or a setting is wrong
	exitData      = 65 // the mail can never be taken
	exitTryLater  = 75 // the mail was not kept: try again
	exitInterrupt = 130
)

// Surroundings are what a command has around it.
type Surroundings struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	// Context ends when the program is asked to stop.
	Context context.Context
}

// Process returns the surroundings of this process. It is asked to stop by
// an interrupt or SIGTERM; a second one ends it at once.
func Process() Surroundings {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return Surroundings{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Context: ctx}
}

// commands are all commands; their fields are their flags.
type commands struct {
	Serve       serveCommand       `cmd:"" help:"Run a desk: pages for agents, mail in and out, workflows."`
	Demo        demoCommand        `cmd:"" help:"Try a desk with a sample team, customers and conversations. Nothing leaves this machine."`
	Ingest      ingestCommand      `cmd:"" help:"Take one mail from standard input, for a mail server's pipe or forward file. The desk need not run."`
	Inspect     inspectCommand     `cmd:"" help:"Read mails and print what is understood of them, a line of JSON each. Changes nothing."`
	Admin       adminCommand       `cmd:"" help:"Add agents, list them, give them passwords."`
	Mailbox     mailboxCommand     `cmd:"" help:"Add mailboxes, list and change them."`
	Workflow    workflowCommand    `cmd:"" help:"Write workflows as files, check and test files, say what they change, apply them."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database up to date, after a backup. 'serve' does it by itself."`
	Backup      backupCommand      `cmd:"" help:"Copy everything a desk is to a folder while it goes on working: database, key, received mails and attachments."`
	Restore     restoreCommand     `cmd:"" help:"Make a desk from a backup, where there is none."`
	Doctor      doctorCommand      `cmd:"" help:"Look whether everything a desk needs is there and works."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the running desk how it is; exit code 0 means well. For containers and supervisors."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// Run carries out a command line (without the program's name) and returns the
// exit code. Faults are a sentence on standard error, never a trace.
func Run(args []string, s Surroundings) int {
	code, err := run(args, s)
	if err == nil {
		return code
	}
	if errors.Is(err, context.Canceled) && s.Context.Err() != nil {
		return exitInterrupt
	}
	fmt.Fprintf(s.Stderr, "postroom: %s\n", sentence(err))
	return code
}

// exit is how the parser says that it has printed help.
type exit int

func run(args []string, s Surroundings) (code int, err error) {
	var c commands
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exit)
			if !ok {
				panic(r)
			}
			code, err = int(e), nil
		}
	}()
	var file *config.File
	if path := config.PathIn(args, s.Getenv); path != "" {
		if file, err = config.ReadFile(path); err != nil {
			return exitWrong, err
		}
	}
	parser, err := kong.New(&c,
		kong.Name("postroom"),
		kong.Description("A help desk in one program: shared mailboxes that a team answers together.\n\n"+
			"Every setting is a flag, a variable in the environment (POSTROOM_…), or a line of the file given with --config; the first of these wins."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Writers(s.Stdout, s.Stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.Resolvers(settingsFile{file, s.Getenv}),
		kong.Bind(&s),
	)
	if err != nil {
		return exitFailed, err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		return exitWrong, fmt.Errorf("%w. See 'postroom --help'", firstLower(err))
	}
	err = command.Run(&s)
	return exitCode(err), err
}

// settingsFile gives the parser what the file says where neither the command
// line nor the environment says anything.
type settingsFile struct {
	file   *config.File
	getenv func(string) string
}

// Validate has nothing to say: the file was checked when it was read.
func (settingsFile) Validate(*kong.Application) error { return nil }

// Resolve returns what the file says of a flag.
func (f settingsFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, e := range flag.Envs {
		if f.getenv(e) != "" {
			return nil, nil
		}
	}
	if text, ok := f.file.Value(flag.Name); ok && slices.Contains(config.Names(), flag.Name) {
		return text, nil
	}
	return nil, nil
}

// exitError gives a fault an exit code of its own.
type exitError struct {
	code int
	err  error
}

// Error is the fault's own.
func (e exitError) Error() string { return e.err.Error() }

// Unwrap returns the fault.
func (e exitError) Unwrap() error { return e.err }

func exitCode(err error) int {
	var e exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &e):
		return e.code
	case postroom.CodeOf(err) == postroom.Invalid:
		return exitWrong
	}
	return exitFailed
}

// sentence is what people are told of a fault: the sentence it has, with the
// cause behind it, since who types commands may read that too.
func sentence(err error) string {
	text, cause := err.Error(), ""
	if e, ok := errors.AsType[*postroom.Error](err); ok {
		text = strings.TrimSuffix(e.Text, ".")
		if e.Err != nil {
			cause = " (" + e.Err.Error() + ")"
		}
	}
	return strings.Join(strings.Fields(strings.TrimSuffix(text, ".")+cause), " ") + "."
}

// firstLower keeps an error's text in the middle of a sentence.
func firstLower(err error) error { return errors.New(strings.TrimSuffix(err.Error(), ".")) }

// operator is the operator's door to the desk in a place.
func operator(s *Surroundings, place config.Place) (app.Operator, error) {
	if err := place.Check(); err != nil {
		return app.Operator{}, err
	}
	// What a command does is said on standard output; the log only warns.
	if place.LogLevel == "info" {
		place.LogLevel = "warn"
	}
	return app.Operator{Place: place, Log: app.NewLog(s.Stderr, place)}, nil
}

// log is where a command that runs on writes what happens.
func log(s *Surroundings, place config.Place) *slog.Logger { return app.NewLog(s.Stderr, place) }
