<?php
// What the snippet uses of Laravel, for where that is not installed. It serves the file api.php beside it: php -S ADDRESS laravel.php

namespace Illuminate\Http {
    class Request
    {
        public function header(string $name): ?string
        {
            return $_SERVER['HTTP_' . strtoupper(strtr($name, '-', '_'))] ?? null;
        }

        public function getContent(): string
        {
            return file_get_contents('php://input');
        }
    }
}

namespace Illuminate\Support\Facades {
    class Log
    {
        public static function info(string $text): void
        {
            error_log($text);
        }
    }

    class Route
    {
        public static function post(string $path, callable $action): void
        {
            if ($_SERVER['REQUEST_METHOD'] !== 'POST' || $_SERVER['REQUEST_URI'] !== $path) {
                http_response_code(404);
                return;
            }
            try {
                http_response_code($action(new \Illuminate\Http\Request())->status);
            } catch (\Stopped $stopped) {
                http_response_code($stopped->getCode());
            }
        }
    }
}

namespace {
    class Stopped extends \Exception
    {
    }

    class Answer
    {
        public int $status = 200;

        public function noContent(): Answer
        {
            $this->status = 204;
            return $this;
        }
    }

    function abort(int $status): never
    {
        throw new \Stopped('', $status);
    }

    function abort_unless(bool $right, int $status): void
    {
        if (!$right) {
            abort($status);
        }
    }

    function config(string $name): ?string
    {
        return $name === 'services.webhooks.secret' ? getenv('WEBHOOK_SECRET') : null;
    }

    function dispatch(callable $job): void
    {
        $job();
    }

    function response(): Answer
    {
        return new \Answer();
    }

    require __DIR__ . '/api.php';
}
