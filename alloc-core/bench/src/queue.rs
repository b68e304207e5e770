//! A bounded queue between threads: what one side allocates, the other side frees.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// First in, first out; `push` waits while it is full and `pop` while it is empty.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    /// Signalled when there is something to take, or nothing any more.
    filled: Condvar,
    /// Signalled when there is room.
    room: Condvar,
    bound: usize,
}

struct State<T> {
    waiting: VecDeque<T>,
    /// How many producers have not finished.
    producers: usize,
}

impl<T> Queue<T> {
    /// An empty queue for at most `bound` items, which `producers` threads will fill.
    pub fn new(bound: usize, producers: usize) -> Self {
        Queue {
            state: Mutex::new(State {
                waiting: VecDeque::with_capacity(bound),
                producers,
            }),
            filled: Condvar::new(),
            room: Condvar::new(),
            bound,
        }
    }

    /// Adds `item`, after waiting for room.
    pub fn push(&self, item: T) {
        let mut state = self.lock();
        while state.waiting.len() >= self.bound {
            state = self
                .room
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting.push_back(item);
        drop(state);
        self.filled.notify_one();
    }

    /// The oldest item, after waiting for one; `None` when the queue is empty and every producer has finished.
    pub fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(item) = state.waiting.pop_front() {
                drop(state);
                self.room.notify_one();
                return Some(item);
            }
            if state.producers == 0 {
                return None;
            }
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// One producer has finished.
    pub fn finish(&self) {
        self.lock().producers -= 1;
        self.filled.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_arrives_once() {
        let queue = Queue::new(3, 2);
        let sum: u64 = std::thread::scope(|scope| {
            for start in [0, 1000] {
                let queue = &queue;
                scope.spawn(move || {
                    (start..start + 1000).for_each(|n| queue.push(n));
                    queue.finish();
                });
            }
            let takers: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| std::iter::from_fn(|| queue.pop()).sum::<u64>()))
                .collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).sum()
        });
        assert_eq!(sum, (0..2000).sum());
    }
}
