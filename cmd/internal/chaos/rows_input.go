package chaos

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
)

func inputRows() []Row {
	return []Row{
		{ID: "20", Name: "every signal up to 50 times at once, from two sources", Short: true, Files: 40, Break: duplicates},
		{ID: "21", Name: "signals out of order: newer before older, deletion before creation", Short: true, Files: 60, Letters: []string{"missing"}, Break: disorder},
		{ID: "22", Name: "orders that come late or never", Files: 120, Letters: []string{"waiting"}, Tune: shortWait, Break: lateOrders},
		{ID: "23", Name: "images that kill the process", Files: 40, Letters: []string{"poison"}, Break: poison},
		{ID: "31", Name: "payloads of other versions, unknown and broken tasks", Files: 60, Break: strangeTasks},
	}
}

func duplicates(ctx context.Context, b *Bench) error {
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	b.gen.doubles = 49
	if err := b.Send(ctx, b.Files); err != nil {
		return err
	}
	n, err := b.count(ctx, "SELECT SUM(announcements - 1) FROM uploads")
	b.Fired("duplicates", n)
	return err
}

// disorder delivers the events of replaced and deleted photos the wrong way round.
func disorder(ctx context.Context, b *Bench) error {
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	n, err := b.gen.replace(ctx, b.Files/2, true)
	if err != nil {
		return err
	}
	b.Fired("older event last", n)
	if n, err = b.gen.vanish(ctx, b.Files/4); err != nil {
		return err
	}
	b.Fired("creation after deletion", n)
	return b.Send(ctx, b.Files/4)
}

func shortWait(c *config.Config) { c.Retry.WaitingFor = 12 * time.Second }

// lateOrders sends files of orders that are made a little later, much later (their
// letters are replayed) and never.
func lateOrders(ctx context.Context, b *Bench) error {
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	b.gen.absentOrders, b.gen.onlyPhotos = true, true
	from := b.gen.orders
	if err := b.Send(ctx, b.Files); err != nil {
		return err
	}
	to := b.gen.orders
	pause(ctx, 3*time.Second)
	third := (to - from) / 3
	if err := b.gen.makeOrders(ctx, from+1, from+third); err != nil {
		return err
	}
	b.Fired("late", third)
	if err := b.calm(ctx); err != nil {
		return err
	}
	letters, err := b.count(ctx, "SELECT COUNT(*) FROM dead_letters WHERE state = 'open' AND class = 'waiting'")
	if err != nil {
		return err
	}
	b.Fired("letters", letters)
	if err := b.gen.makeOrders(ctx, from+third+1, from+2*third); err != nil {
		return err
	}
	b.Mended()
	return b.replayAll(ctx)
}

// poison sends images that kill whoever decodes them, and starts a new worker whenever
// one has died. Each may kill two processes: a worker, and the child that proves it.
func poison(ctx context.Context, b *Bench) error {
	const pills = 3
	worker, err := b.Both(ctx)
	if err != nil {
		return err
	}
	wait := b.Sending(ctx, b.Files)
	if err := b.gen.poison(ctx, pills); err != nil {
		return err
	}
	deaths := 0
	for found := 0; found < pills; {
		if err := until(ctx, 3*time.Minute, "the worker dies or a letter of class poison", func() bool {
			n, err := b.count(ctx, "SELECT COUNT(*) FROM dead_letters WHERE class = 'poison'")
			return !worker.Running() || err == nil && n > found
		}); err != nil {
			return err
		}
		if !worker.Running() {
			deaths++
			if worker, err = b.Worker(ctx, ""); err != nil {
				return err
			}
		}
		if found, err = b.count(ctx, "SELECT COUNT(*) FROM dead_letters WHERE class = 'poison'"); err != nil {
			return err
		}
	}
	b.Fired("worker deaths", deaths)
	b.Fired("poison letters", pills)
	if deaths > 2*pills {
		return fmt.Errorf("%d images killed %d workers", pills, deaths)
	}
	b.Mended()
	return wait()
}

// strangeTasks queues what no version of this program made, beside good work.
func strangeTasks(ctx context.Context, b *Bench) error {
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	wait := b.Sending(ctx, b.Files)
	client := asynq.NewClientFromRedisClient(b.Redis.Client)
	good := `{"v":1,"step":"check","upload":"` + pipeline.UploadID("x", "y") + `","gen":1}`
	strange := []struct{ typ, payload string }{
		{tasks.TypeOf(pipeline.StepCheck), `{"v":0}`},
		{tasks.TypeOf(pipeline.StepCheck), `{"v":2,"upload":"u","gen":1,"more":{}}`},
		{tasks.TypeOf(pipeline.StepCheck), `{"v":1,"upload":"u","gen":1,"unknown":true}`},
		{tasks.TypeOf(pipeline.StepThumbnail), good[:len(good)/2]},
		{tasks.TypeOf(pipeline.StepAttach), `[]`},
		{tasks.TypeOf(pipeline.StepNotify), ``},
		{"afterput:transcode", good},
		{"email:welcome", `{"user":1}`},
		{tasks.TypeOf(pipeline.StepCheck), string(bytes.Repeat([]byte{0xff}, 100))},
	}
	for i, s := range strange {
		_, err := client.EnqueueContext(ctx, asynq.NewTask(s.typ, []byte(s.payload)),
			asynq.Queue(tasks.QueueChecks), asynq.TaskID(fmt.Sprintf("strange-%d", i)), asynq.MaxRetry(3))
		if err != nil {
			return err
		}
	}
	b.Fired("strange", len(strange))
	b.Mended()
	if err := wait(); err != nil {
		return err
	}
	return until(ctx, time.Minute, "a letter for each strange task", func() bool {
		n, err := b.count(ctx, "SELECT COUNT(*) FROM dead_letters WHERE upload_id = '' AND class = 'bug'")
		return err == nil && n == len(strange)
	})
}
