package worker

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/hibiken/asynq"
	"pgregory.net/rapid"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
)

// Few files and orders, so that things meet.
const (
	modelFiles  = 3
	modelOrders = 2
)

func modelKey(i int) string   { return fmt.Sprintf("users/o1/%d.jpg", i) }
func modelOrder(i int) string { return fmt.Sprintf("A%d", i) }

// actions are what may happen, by name. Those that matter most stand there more than once.
func (w *modelWorld) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"announce a batch": w.announceBatch, "announce one": w.announceOne, "send again": w.sendAgain,
		"change": w.change, "change another": w.change, "an event comes": w.deliver,
		"run": w.runOne, "run another": w.runOne, "run a third": w.runOne, "run all": w.runAll,
		"run and disturb": w.runDisturbed, "run and disturb another": w.runDisturbed, "wake": w.wakeOne,
		"sweep": w.sweepNow, "time passes": w.pass, "wipe": w.wipe,
		"fail": w.fail, "fail another": w.fail, "create an order": w.create,
		"replay": w.replayOne, "run in the monitor": w.monitorRun, "discard": w.discardOne, "discard another": w.discardOne,
		"": w.invariants,
	}
}

// put changes what lies under a key; "" removes it.
func (w *modelWorld) put(key, content string) {
	if content == "" {
		delete(w.content, key)
		w.store.remove(key)
		return
	}
	w.content[key] = content
	w.store.set(key, content)
}

func drawContent(t *rapid.T) string {
	return rapid.SampledFrom([]string{"good 1", "good 2", "good 3", "good 4", "text", corrupt}).Draw(t, "content")
}

func (w *modelWorld) send(t *rapid.T, s sending) {
	how := rapid.SampledFrom([]disturbance{undisturbed, undisturbed, undisturbed, undisturbed, undisturbed, crashes}).Draw(t, "how")
	until := 0
	if how == crashes {
		until = rapid.IntRange(1, 8).Draw(t, "boundary")
	}
	for _, a := range s.anns {
		w.announce(a)
	}
	w.sent = append(w.sent, s)
	w.accept(s, how, until)
}

// announceBatch is the door of the client: files of an order in the chosen order.
func (w *modelWorld) announceBatch(t *rapid.T) {
	order := modelOrder(rapid.IntRange(0, modelOrders-1).Draw(t, "order"))
	files := rapid.Permutation([]int{0, 1, 2}).Draw(t, "files")[:rapid.IntRange(1, modelFiles).Draw(t, "n")]
	w.batches++
	s := sending{inbound: rapid.SampledFrom([]string{"", "msg" + strconv.Itoa(w.batches)}).Draw(t, "inbound")}
	for i, n := range files {
		key := modelKey(n)
		if w.content[key] == "" && rapid.IntRange(0, 4).Draw(t, "early") > 0 {
			w.put(key, drawContent(t))
		}
		s.anns = append(s.anns, pipeline.Announcement{
			Bucket: bucket, Key: key, Order: order, Position: &i, Batch: "b" + strconv.Itoa(w.batches), Source: "api",
		})
	}
	w.send(t, s)
}

// announceOne is the door of events that name an order, and perhaps a position.
func (w *modelWorld) announceOne(t *rapid.T) {
	a := pipeline.Announcement{
		Bucket: bucket, Key: modelKey(rapid.IntRange(0, modelFiles-1).Draw(t, "file")), Source: "cos-event",
		Order: modelOrder(rapid.IntRange(0, modelOrders-1).Draw(t, "order")),
	}
	if rapid.Bool().Draw(t, "placed") {
		position := rapid.IntRange(0, 2).Draw(t, "position")
		a.Position = &position
	}
	if w.content[a.Key] == "" {
		w.put(a.Key, drawContent(t))
	}
	w.send(t, sending{anns: []pipeline.Announcement{a}})
}

func (w *modelWorld) sendAgain(t *rapid.T) {
	if len(w.sent) == 0 {
		t.Skip()
	}
	w.send(t, rapid.SampledFrom(w.sent).Draw(t, "what"))
}

// change writes or removes an object. Its event comes now or later.
func (w *modelWorld) change(t *rapid.T) {
	key := modelKey(rapid.IntRange(0, modelFiles-1).Draw(t, "file"))
	content := ""
	if w.content[key] == "" || rapid.IntRange(0, 3).Draw(t, "remove") > 0 {
		content = drawContent(t)
	}
	w.put(key, content)
	w.absent[key] = w.absent[key] || content == ""
	w.events = append(w.events, pipeline.Announcement{Bucket: bucket, Key: key, Source: "cos-event", Removed: content == ""})
	if rapid.Bool().Draw(t, "at once") {
		w.deliverNth(t, len(w.events)-1)
	}
}

func (w *modelWorld) deliver(t *rapid.T) {
	if len(w.events) == 0 {
		t.Skip()
	}
	w.deliverNth(t, rapid.IntRange(0, len(w.events)-1).Draw(t, "event"))
}

func (w *modelWorld) deliverNth(t *rapid.T, i int) {
	a := w.events[i]
	w.events = slices.Delete(w.events, i, i+1)
	w.send(t, sending{anns: []pipeline.Announcement{a}})
}

func (w *modelWorld) draw(t *rapid.T) queuedTask {
	all := w.waiting()
	if len(all) == 0 {
		t.Skip()
	}
	return rapid.SampledFrom(all).Draw(t, "task")
}

func (w *modelWorld) runOne(t *rapid.T) { w.take(w.draw(t), undisturbed, 0) }

// runAll runs what is pending now, and leaves what waits for its time.
func (w *modelWorld) runAll(*rapid.T) {
	for _, task := range w.waiting() {
		if task.in == "pending" {
			w.take(task, undisturbed, 0)
		}
	}
}

func (w *modelWorld) runDisturbed(t *rapid.T) {
	task := w.draw(t)
	thumbnails := slices.DeleteFunc(w.waiting(), func(q queuedTask) bool { return q.queue != tasks.QueueThumbnails })
	if len(thumbnails) > 0 && rapid.Bool().Draw(t, "thumbnail") {
		task = thumbnails[0] // they have the most boundaries, and are few
	}
	how := rapid.SampledFrom([]disturbance{crashes, stalls, sleeps}).Draw(t, "how")
	w.take(task, how, rapid.IntRange(1, 14).Draw(t, "boundary"))
}

func (w *modelWorld) wakeOne(t *rapid.T) {
	if len(w.flights) == 0 {
		t.Skip()
	}
	f := w.flights[rapid.IntRange(0, len(w.flights)-1).Draw(t, "who")]
	w.wakeUp(f, rapid.Bool().Draw(t, "told"))
}

func (w *modelWorld) sweepNow(*rapid.T) {
	_, err := w.sweeper().sweep(w.ctx)
	w.noError(err, "sweep")
}

func (w *modelWorld) pass(t *rapid.T) {
	for range rapid.IntRange(1, 5).Draw(t, "minutes") {
		w.tick()
	}
}

func (w *modelWorld) wipe(*rapid.T) { w.noError(w.rdb.FlushAll(w.ctx).Err(), "wipe") }

// fail lets the next calls of a kind fail.
func (w *modelWorld) fail(t *rapid.T) {
	kind := rapid.SampledFrom([]string{"get", "put", "delete", "read", "write", "hook", "url", "cache", "redis"}).Draw(t, "kind")
	w.faults[kind] = fault{
		class: rapid.SampledFrom([]pipeline.Class{pipeline.Transient, pipeline.Denied}).Draw(t, "class"),
		late:  rapid.Bool().Draw(t, "late"), left: rapid.IntRange(1, 6).Draw(t, "times"),
	}
}

func (w *modelWorld) create(t *rapid.T) {
	id := modelOrder(rapid.IntRange(0, modelOrders-1).Draw(t, "order"))
	if w.made[id] {
		t.Skip()
	}
	w.createOrder(id)
}

func (w *modelWorld) createOrder(id string) {
	_, err := w.shop.SQL().ExecContext(w.ctx, "INSERT INTO orders (id, openid) VALUES (?, 'o1')", id)
	w.noError(err, "create order")
	w.made[id] = true
}

func (w *modelWorld) drawLetter(t *rapid.T) pipeline.Letter {
	open := w.lettersIn(pipeline.LetterOpen)
	if len(open) == 0 {
		t.Skip()
	}
	return open[rapid.IntRange(0, len(open)-1).Draw(t, "letter")]
}

func (w *modelWorld) replayOne(t *rapid.T)  { w.replayLetter(w.drawLetter(t).ID) }
func (w *modelWorld) discardOne(t *rapid.T) { w.discardLetter(w.drawLetter(t)) }

// monitorRun presses Run on the archived task of a letter.
func (w *modelWorld) monitorRun(t *rapid.T) {
	letter := w.drawLetter(t)
	run := pipeline.Run{UploadID: letter.UploadID, Step: letter.Step, Scope: letter.Scope, Gen: letter.Gen}
	info, err := w.inspect.GetTaskInfo(tasks.QueueOf(run.Step), tasks.ID(run))
	if err != nil || info.State != asynq.TaskStateArchived {
		t.Skip()
	}
	w.noError(w.inspect.RunTask(info.Queue, info.ID), "run")
}
